import react from "@vitejs/plugin-react";
import vue from "@vitejs/plugin-vue";

// The pages of the dev server reach Django's socket on their own origin, with its cookies.
export default {
  plugins: [react(), vue()],
  server: { proxy: { "/ws/": { target: process.env.DJANGO, ws: true } } },
};
