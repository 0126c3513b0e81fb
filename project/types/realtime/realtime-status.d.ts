export * from "../../../realtime/js/status.js";
