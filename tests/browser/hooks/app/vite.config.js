// The development builds of the frameworks: in others StrictMode does nothing.
const define = {
  "process.env.NODE_ENV": JSON.stringify("development"),
  __VUE_OPTIONS_API__: "true",
  __VUE_PROD_DEVTOOLS__: "false",
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true",
};
// Another React than the one beside this file.
const { REACT_MODULES } = process.env;
const react = { find: /^(react|react-dom)(?=\/|$)/, replacement: `${REACT_MODULES}/$1` };

export default {
  base: "/app/",
  build: { minify: false, rollupOptions: { input: ["react.html", "vue.html"] } },
  define,
  resolve: { alias: REACT_MODULES ? [react] : [] },
  ssr: { noExternal: true },
};
