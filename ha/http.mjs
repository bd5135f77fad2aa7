// One request, with the moments of its beginning and its end. What is not answered is an outcome too, and no error.
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * Sends a request to a port of this machine. Returns `{ start, end, status, headers, text }`, without a status if the
 * answer did not come whole, with the reason in `broken`.
 */
export function ask(port, { method = "GET", path, headers = {}, body, seconds = 5 }) {
  const start = performance.now();
  return new Promise((resolve) => {
    const finish = (rest) => resolve({ start, end: performance.now(), ...rest });
    const asked = request({ agent, host: "127.0.0.1", port, method, path, headers, timeout: seconds * 1000 });
    const limit = setTimeout(() => asked.destroy(new Error("no answer in time")), seconds * 1000);
    asked.on("close", () => clearTimeout(limit));
    asked.on("error", (error) => finish({ broken: error.message }));
    asked.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("error", (error) => finish({ broken: error.message }));
      answer.on("end", () => {
        if (answer.complete) finish({ status: answer.statusCode, headers: answer.headers, text });
        else finish({ broken: "the answer was cut off" });
      });
    });
    asked.end(body);
  });
}

/** The body of an answer as JSON; an empty object if it is none. */
export function json(answer) {
  try {
    return JSON.parse(answer.text);
  } catch {
    return {};
  }
}
