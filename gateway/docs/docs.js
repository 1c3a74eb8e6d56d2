// Shows openapi.json. Everything in it is text: nothing is ever parsed as HTML.
"use strict";

const make = (tag, text = "", children = []) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const resolve = (api, item) =>
  item.$ref ? item.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : item;

// One line about a value: its type and the rules that it has to keep.
const described = (api, schema) => {
  if (schema.$ref) {
    const target = resolve(api, schema);
    return target.enum ? (schema.enum ?? target.enum).join(" | ") : schema.$ref.split(".").pop();
  }
  if (schema.type === "array") return `list of ${described(api, schema.items)}`;
  const rules = Object.entries({ ...schema, ...(schema.anyOf ?? [])[1] }).filter(([key]) =>
    /^(format|pattern|enum|const|min|max|exclusive|contentEncoding|readOnly)/.test(key));
  return [schema.type ?? "any", ...rules.map(([key, value]) => (value === true ? key : `${key} ${value}`))].join(", ");
};

const table = (rows) =>
  make("table", "", rows.map((cells) => make("tr", "", cells.map((cell, at) =>
    make("td", "", [at === 0 ? make("code", cell) : document.createTextNode(cell)])))));

const fields = (api, schema, keep = (field) => !field["x-input-only"]) => {
  const target = resolve(api, schema);
  return Object.entries(target.properties ?? {}).filter(([, field]) => keep(field)).map(([name, field]) =>
    [name, described(api, field), (target.required ?? []).includes(name) ? "required" : "", field.description ?? ""]);
};

// An example value: what a client would send, without what only the server writes.
const example = (api, schema, depth = 0) => {
  const target = resolve(api, schema);
  if (target.enum) return target.enum[1] ?? target.enum[0];
  if (target.type === "array") return [];
  if (target.type === "object" && depth < 2) {
    const entries = Object.entries(target.properties ?? {}).filter(([, field]) => !field.readOnly);
    return Object.fromEntries(entries.map(([name, field]) => [name, example(api, field, depth + 1)]));
  }
  return { object: {}, integer: target.minimum ?? 0, number: 0, boolean: false }[target.type] ?? "";
};

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const curl = (api, method, path, operation) => {
  const lines = [`curl -X ${method.toUpperCase()} ${quoted(location.origin + path)}`];
  if (operation.security.length) lines.push('-H "Authorization: Bearer $STATEROOM_TOKEN"');
  const content = operation.requestBody?.content["application/json"];
  if (content) {
    lines.push("-H 'Content-Type: application/json'");
    lines.push(`-d ${quoted(JSON.stringify(example(api, content.schema), null, 2))}`);
  }
  if (operation.responses["200"]?.content["text/event-stream"]) lines.push("-N -H 'Accept: text/event-stream'");
  return lines.join(" \\\n  ");
};

const shown = (api, method, path, operation) => {
  const parts = [make("p", operation.description)];
  const section = (title, rows) => rows.length && parts.push(make("h4", title), table(rows));
  if (operation["x-permission"]) {
    parts.push(make("p", `Scope ${operation["x-permission"]}, role ${operation["x-role"]}.`));
  }
  section("Parameters", operation.parameters.map((item) => resolve(api, item)).map((item) =>
    [item.name, item.in, described(api, item.schema), item.required ? "required" : "", item.description ?? ""]));
  const body = operation.requestBody?.content["application/json"].schema;
  if (body) section("Body", fields(api, body, (field) => !field.readOnly));
  const socket = operation["x-websocket"];
  if (socket) {
    section(`Messages to the server, WebSocket ${socket.subprotocol}`, fields(api, socket.clientMessage, () => true));
    section("Messages from the server", fields(api, socket.serverMessage));
  } else {
    const content = Object.entries(operation.responses["200"].content)[0];
    const schema = content[1].schema;
    section(`Answer, ${content[0]}`, fields(api, schema.properties?.result ?? schema));
    parts.push(make("h4", "curl"), make("pre", curl(api, method, path, operation)));
  }
  const failures = Object.entries(operation.responses).filter(([status]) => /^[45]/.test(status));
  section("Failures", failures.map(([status, item]) => [status, (item["x-reasons"] ?? []).join(", ")]));
  return parts;
};

const entry = (api, method, path, operation) => {
  const label = operation["x-websocket"] ? "SOCKET" : method.toUpperCase();
  const summary = make("summary", "", [make("b", label), make("code", path), ` ${operation.summary}`]);
  const details = make("details", "", [summary]);
  details.id = operation.operationId;
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(...shown(api, method, path, operation));
  });
  return details;
};

const start = async () => {
  const main = document.getElementById("operations");
  const api = await (await fetch("/openapi.json")).json();
  main.replaceChildren(make("p", api.info.description));
  for (const tag of api.tags) {
    main.append(make("h2", tag.name), make("p", tag.description));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags[0] === tag.name) main.append(entry(api, method, path, operation));
      }
    }
  }
  document.getElementById("search").addEventListener("input", ({ target }) => {
    for (const details of main.querySelectorAll("details")) {
      const text = `${details.id} ${details.firstChild.textContent}`.toLowerCase();
      details.hidden = !text.includes(target.value.toLowerCase());
    }
  });
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.setAttribute("open", "");
};

start().catch((error) => document.getElementById("operations").replaceChildren(make("p", String(error))));
