import { createPinia } from "pinia";
import { createApp, createSSRApp } from "vue";
import { App } from "./vue_app";

const place = document.querySelector("#app") as HTMLElement;
const app = (place.hasChildNodes() ? createSSRApp : createApp)(App);
app.use(createPinia()).mount(place);
document.addEventListener("unmount", () => app.unmount());
