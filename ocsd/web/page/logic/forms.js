// Forms for operations: which control a parameter gets, and what its text means.

const isNullable = (param) => /null|None|\?/.test(param.type);
const kindOf = (param) => (/int|float|str|bool/.exec(param.type) || ["str"])[0];

/** The control of a parameter: what it is, its choices, and the text that it begins with. */
export function controlOf(param) {
  const kind = kindOf(param);
  const begins = param.has_default && param.default !== null && param.default !== undefined;
  const text = begins ? textOf(param.default) : "";
  const optional = param.has_default || isNullable(param);
  if (param.choices && param.choices.length) {
    const choices = param.choices.map(textOf);
    return { control: "choice", choices, text, optional: optional && text === "" };
  }
  if (kind === "bool") {
    const choices = ["true", "false"];
    return { control: "choice", choices, text, optional: optional && text === "" };
  }
  return { control: "text", numeric: kind !== "str", text, optional };
}

function textOf(value) {
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/**
 * The value that a text means: {value}, or {error}, or {} if it is left out.
 *
 * Choices are compared by their texts, so that a number stays a number.
 */
export function valueOf(param, text) {
  if (text === "") return emptyValue(param);
  const choice = (param.choices || []).find((each) => textOf(each) === text);
  if (choice !== undefined) return { value: choice };
  if (param.choices && param.choices.length) {
    return { error: `${param.name}: one of ${param.choices.map(textOf).join(", ")}, not "${text}"` };
  }
  return typed(param, text);
}

function emptyValue(param) {
  if (param.has_default) return {};
  if (isNullable(param)) return { value: null };
  if (kindOf(param) === "str") return { value: "" };
  return { error: `${param.name} is needed: a value of type ${param.type}` };
}

function typed(param, text) {
  const kind = kindOf(param);
  const trimmed = text.trim();
  if (kind === "str") return { value: text };
  if (kind === "bool") {
    if (trimmed === "true" || trimmed === "false") return { value: trimmed === "true" };
    return { error: `${param.name}: true or false, not "${text}"` };
  }
  const value = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(value)) {
    return { error: `${param.name}: a number, not "${text}"` };
  }
  if (kind === "int" && !Number.isInteger(value)) {
    return { error: `${param.name}: a whole number, not "${text}"` };
  }
  return { value };
}

/** What a form asks of an agent that does not tell its parameters: all of them, as JSON. */
export const UNTOLD = [{ name: "params", type: "JSON object, e.g. {\"delay\": 5}", has_default: true }];

function untold(text) {
  if (text.trim() === "") return { params: {} };
  try {
    const params = JSON.parse(text);
    if (params !== null && typeof params === "object" && !Array.isArray(params)) return { params };
  } catch {
    // The answer below is for this, too.
  }
  return { errors: [`params: a JSON object such as {"delay": 5}, not "${text}"`] };
}

/** The parameters of a whole form: {params} or {errors}. */
export function paramsOf(params, texts) {
  if (params === null) return untold(texts[0]);
  const values = {};
  const errors = [];
  params.forEach((param, place) => {
    const read = valueOf(param, texts[place]);
    if (read.error) errors.push(read.error);
    else if ("value" in read) values[param.name] = read.value;
  });
  if (errors.length) return { errors };
  return { params: values };
}

/** How far a running operation is, from 0 to 1, by what its session says; null if it does not. */
export function progressOf(session) {
  const data = (session && session.data) || {};
  const told = session && (session.progress ?? data.progress);
  if (typeof told === "number") return share(told);
  for (const [key, value] of Object.entries(data)) {
    const whole = data[`requested_${key.replace(/_so_far$/, "")}`];
    if (key.endsWith("_so_far") && whole > 0) return share(value / whole);
  }
  return null;
}

const share = (value) => Math.min(1, Math.max(0, value));
