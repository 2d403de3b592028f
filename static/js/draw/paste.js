// A shape as somebody pasted it. A file's text is read by the server, which knows more dialects of GeoJSON and KML than
// a page should; coordinates and WKT are read here, and what the server cannot be asked about.

import { ApiError, call } from "../net/api.js";
import { readShape } from "./sketch.js";

/**
 * Throws an Error that says what is wrong.
 * @param {string} text
 * @returns {Promise<{sketch: import("./sketch.js").Sketch, name: string}>}
 */
export async function pasted(text) {
  const said = text.trim();
  if (!/^[{[<]/.test(said)) return { sketch: readShape(said), name: "" };
  try {
    const { region } = await call("POST", "regions/preview", {
      body: said,
      headers: {
        "content-type": said.startsWith("<") ? "application/vnd.google-earth.kml+xml" : "application/geo+json",
      },
    });
    if (region)
      return {
        sketch: readShape(JSON.stringify(region)),
        name: region.properties.name === region.id ? "" : region.properties.name,
      };
  } catch (fault) {
    // A bare point is a circle whose radius comes next.
    if (!(fault instanceof ApiError) || (fault.status !== 0 && fault.code !== "size_missing")) throw fault;
  }
  return { sketch: readShape(said), name: "" };
}
