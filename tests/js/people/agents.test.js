import assert from "node:assert/strict";
import { test } from "node:test";
import { browserOf } from "../../../static/js/people/agents.js";

const SEEN = {
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox · Linux",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36":
    "Chrome · Windows",
  "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0":
    "Edge · Windows",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1":
    "Safari · iOS",
  "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36":
    "Chrome · Android",
  "curl/8.5.0": "curl/8.5.0",
  "": "",
};

test("a browser is called what people call it", () => {
  for (const [agent, name] of Object.entries(SEEN)) assert.equal(browserOf(agent), name);
});
