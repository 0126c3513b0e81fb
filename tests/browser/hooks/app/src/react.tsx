import { StrictMode, version } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { App } from "./react_app";

const place = document.querySelector("#app") as HTMLElement;
const app = (
  <StrictMode>
    <App />
  </StrictMode>
);
const root = place.hasChildNodes() ? hydrateRoot(place, app) : createRoot(place);
root.render(app);
document.body.dataset.react = version;
document.addEventListener("unmount", () => root.unmount());
