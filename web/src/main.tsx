import { render } from "solid-js/web";
import { App, prefetchPages } from "./app";
import { startRouter } from "./router";
import { startSession } from "./session/token";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";

startRouter();
startSession();
const root = document.getElementById("app");
if (root) render(() => <App />, root);
addEventListener("load", prefetchPages);
