// The form in which people log in: the page itself comes in its place.
import { post } from "./connect/api.js";
import { setText } from "./dom/build.js";

const $ = (id) => document.getElementById(id);

async function enter(event) {
  event.preventDefault();
  $("enter").disabled = true;
  setText($("said"), "");
  try {
    await post("login", { name: $("name").value.trim(), password: $("password").value });
    location.reload();
  } catch (error) {
    setText($("said"), error.message);
    $("password").value = "";
    $("password").focus();
  }
  $("enter").disabled = false;
}

$("login").addEventListener("submit", enter);
$("name").focus();
