// A file on its way to the server: how much of it has gone, and no further when nobody wants it any more.

import { ApiError, address, signedOut } from "../../net/api.js";

/**
 * @param {string} path
 * @param {Record<string, any>} query
 * @param {File} file
 * @param {(share: number) => void} gone
 * @param {AbortSignal} signal
 * @returns {Promise<any>} rejects with an ApiError, or as `signal` says
 */
export function upload(path, query, file, gone, signal) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of what has gone
    request.open("POST", address(path, query));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.upload.onprogress = ({ loaded, total }) => gone(total ? loaded / total : 0);
    request.upload.onload = () => gone(1);
    request.onload = () => {
      let said = null;
      try {
        said = JSON.parse(request.responseText);
      } catch {
        // a proxy's page: the status says it
      }
      if (request.status === 401 && said?.code === "not_signed_in") signedOut.tell();
      if (request.status < 300) done(said);
      else failed(new ApiError(request.status, said));
    };
    request.onerror = () => failed(new ApiError(0, null));
    signal.addEventListener("abort", () => {
      request.abort();
      failed(signal.reason);
    });
    request.send(file);
  });
}
