// Requests to the process web. All addresses are relative, so that a path prefix works.

const ROOT = new URL("api/v1/", document.baseURI);

/** An answer that is an error, or none at all: `status` is 0 if nobody answered. */
export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The address of a request; lists in `query` become several keys, empty values are left out. */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [key, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== undefined && each !== null && each !== "") url.searchParams.append(key, each);
    }
  }
  return url.href;
}

async function request(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("the page's process (web) does not answer", 0);
  }
  if (answer.status === 401 && !url.endsWith("/login")) location.reload(); // the login is over
  if (!answer.ok) throw new RequestError(await complaint(answer), answer.status);
  return answer;
}

async function complaint(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `${answer.url} answered ${answer.status} ${answer.statusText}`;
  }
}

/** The answer of a GET request. */
export async function get(path, query, signal) {
  return (await request(address(path, query), { signal })).json();
}

function change(body) {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** The answer of a request that changes something. */
export async function post(path, body) {
  return (await request(address(path), change(body))).json();
}

/** Each object of a stream of JSON lines, as it comes. */
export async function postLines(path, body, take) {
  const answer = await request(address(path), change(body));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    lines.filter((line) => line.trim()).forEach((line) => take(JSON.parse(line)));
    if (done) return;
  }
}
