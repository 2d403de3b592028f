// Before anything else, in the words of the oldest browser that may come: whatever keeps the page from starting is
// said.
(function () {
  "use strict";
  var root = document.documentElement;
  var SLOW_MS = 15000;
  var old = "";
  // What the page is read in; the catalogues (js/words) may be among what does not arrive.
  var LANGUAGES = {
    de: {
      data: " Dieselben Daten stehen unter api/v1/vehicles.",
      old: "Dieser Browser ist zu alt für die Karte. Sie braucht Chrome oder Edge 108, Firefox 115, Safari 16.4 oder einen neueren.",
      start: "Die Seite konnte nicht starten: ",
      file: " kam nicht an oder ist nicht lesbar. Laden Sie die Seite neu; hilft das nicht, hält etwas zwischen hier und dem Server Dateien zurück.",
      slow: "Die Seite ist noch nicht gestartet: Ihre Dateien kommen langsam an."
    },
    en: {
      data: " The same data is at api/v1/vehicles.",
      old: "This browser is too old for the map. It needs Chrome or Edge 108, Firefox 115, Safari 16.4, or a newer one.",
      start: "The page could not start: ",
      file: " did not arrive or cannot be read. Reload it; if that does not help, something between here and the server keeps files back.",
      slow: "The page has not started yet: its files are slow to arrive."
    }
  };
  var chosen = "";
  try {
    chosen = JSON.parse(localStorage.getItem("tracker.preferences")).language || "";
  } catch (_) {
    /* nothing is kept */
  }
  var language = [chosen]
    .concat(navigator.languages || navigator.language || "", "en")
    .map(function (tag) {
      return String(tag).toLowerCase().split("-")[0];
    })
    .filter(function (tag) {
      return LANGUAGES[tag] && LANGUAGES[tag].start;
    })[0];
  var words = LANGUAGES[language];
  var data = words.data;
  // Of a choice the server knows nothing: its catalogue is asked for here, with all the other files.
  var link = document.createElement("link");
  if (language !== root.lang && document.currentScript) {
    link.rel = "modulepreload";
    link.href = document.currentScript.src.replace(/boot\.js.*$/, "js/words/" + language + ".js");
    document.head.appendChild(link);
  }

  function say(words) {
    if (old ? words !== old : root.getAttribute("data-started") !== null) return;
    var box = document.getElementById("boot");
    if (!box)
      return void document.addEventListener("DOMContentLoaded", function () {
        say(words);
      });
    box.hidden = false;
    box.textContent = words;
  }

  function missing() {
    var css = window.CSS && CSS.supports;
    if (!css || !CSS.supports("height", "1dvh") || !CSS.supports("color", "var(--x)")) return true;
    return (
      !("noModule" in HTMLScriptElement.prototype) ||
      !window.OffscreenCanvas ||
      !window.ResizeObserver ||
      !Array.prototype.at ||
      !window.HTMLDialogElement
    );
  }

  if (missing()) {
    old = words.old + data;
    say(old);
  }

  // A module that does not arrive or cannot be read; a mistake of ours before the page stands.
  window.addEventListener(
    "error",
    function (event) {
      var from = event.target && (event.target.src || event.target.href);
      var late = /dynamically imported module: (\S+)/.exec(event.message || "");
      if (late) say(words.start + late[1] + words.file);
      else if (from && /\.js$/.test(from.split("?")[0])) say(words.start + from + words.file);
      else if (event.message)
        say(
          words.start +
            event.message +
            (event.filename ? " (" + event.filename.split("/").pop() + ":" + event.lineno + ")" : "") +
            "." +
            data
        );
    },
    true
  );
  window.addEventListener("unhandledrejection", function (event) {
    say(words.start + String((event.reason && event.reason.message) || event.reason) + "." + data);
  });
  // What server this is, asked while the files of the page still come. A file that is shown has none.
  if (window.fetch && !/[?&](day|bundle)=/.test(location.search)) {
    window.fleetInfo = fetch("api/v1/page").then(function (answer) {
      return answer.ok ? answer.json() : {};
    });
    window.fleetInfo.catch(function () {});
  }
  setTimeout(function () {
    say(words.slow + data);
  }, SLOW_MS);
  // What was slow may come after all.
  if (window.MutationObserver)
    new MutationObserver(function () {
      var box = document.getElementById("boot");
      if (box && !old && root.getAttribute("data-started") !== null) box.hidden = true;
    }).observe(root, { attributes: true, attributeFilter: ["data-started"] });
})();
