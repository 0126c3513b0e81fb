const form = document.querySelector("form");
form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = await fetch("https://api.example.com/api/login/", {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (answer.ok) show();
};

function show() {
  document.querySelector("main").append(document.querySelector("template").content);
}
