const api = "https://api.example.com/api/";
const form = document.querySelector("form");
let refresh;

form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = await post("token/", Object.fromEntries(new FormData(form)));
  ({ refresh } = await answer.json());
  show();
};
window.logOut = () => post("token/logout/", { refresh });

function post(path, data) {
  const headers = { "Content-Type": "application/json" };
  return fetch(api + path, { method: "POST", headers, body: JSON.stringify(data) });
}

function show() {
  document.querySelector("main").append(document.querySelector("template").content);
}
