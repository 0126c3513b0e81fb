import { createPinia } from "pinia";
import { StrictMode } from "react";
import { renderToString as renderReact } from "react-dom/server";
import { createSSRApp } from "vue";
import { renderToString as renderVue } from "vue/server-renderer";
import { App as ReactApp } from "./react_app";
import { App as VueApp } from "./vue_app";

const react = renderReact(
  <StrictMode>
    <ReactApp />
  </StrictMode>,
);
const vue = await renderVue(createSSRApp(VueApp).use(createPinia()));
console.log(JSON.stringify({ react, vue }));
