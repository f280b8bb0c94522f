import { render } from "solid-js/web";
import { App, fetchPages } from "./app";
import { startRouter } from "./router";
import { startSession } from "./session/session";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";

startRouter();
startSession();
const root = document.getElementById("app");
if (root) render(() => <App />, root);
addEventListener("load", fetchPages);
