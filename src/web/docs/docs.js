// Shows the two documents of the API as pages: operations, messages, and the schemas that both refer to.

const make = (tag, text, ...children) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const row = (cells) => make("tr", "", ...cells.map((cell) => (cell instanceof Node ? make("td", "", cell) : make("td", cell))));

const fold = (title, ...content) => make("details", "", make("summary", "", ...title), ...content);

// A schema in a few words, with links to those that it refers to.
const brief = (schema = {}) => {
  const own = schema.$ref?.split("/").pop();
  if (own) {
    const link = make("a", own);
    link.href = `#schema-${own}`;
    return link;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return make("span", "", ...choices.flatMap((choice, n) => (n ? [" or ", brief(choice)] : [brief(choice)])));
  if (schema.type === "array" && schema.items) return make("span", "list of ", brief(schema.items));
  const words = schema.const ?? schema.enum?.join(", ") ?? [schema.type ?? "any"].flat().join(" or ");
  const range = [schema.minimum, schema.maximum].some((bound) => bound !== undefined);
  return make("span", range ? `${words}, ${schema.minimum ?? ""} to ${schema.maximum ?? ""}` : String(words));
};

const fields = (schema) => {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    row([make("code", schema.required?.includes(name) ? name : `${name}?`), brief(field), field.description ?? ""]));
  return rows.length ? make("table", "", ...rows) : make("p", "", brief(schema));
};

const schemaOf = (content) => Object.values(content ?? {})[0]?.schema;

const operation = (path, method, told) => {
  const parts = [];
  const parameters = (told.parameters ?? []).map((parameter) =>
    row([make("code", parameter.name), parameter.in, brief(parameter.schema), parameter.description ?? ""]));
  if (parameters.length) parts.push(make("h4", "Parameters"), make("table", "", ...parameters));
  if (told.requestBody) parts.push(make("h4", "Body"), fields(schemaOf(told.requestBody.content) ?? {}));
  const answers = Object.entries(told.responses).map(([status, answer]) => {
    const schema = schemaOf(answer.content);
    return row([make("code", status), answer.description ?? "Problem", schema ? brief(schema) : ""]);
  });
  parts.push(make("h4", "Answers"), make("table", "", ...answers));
  const name = make("span", method.toUpperCase());
  name.className = "method";
  return fold([name, make("code", path), ` ${told.summary}`], ...parts);
};

const message = (name, told) =>
  fold([make("code", name)], fields(told.payload), ...(told.payload.allOf ?? []).map((part) => make("p", "with the fields of ", brief(part))));

const part = (name, schema) => {
  const shown = fold([make("code", name), ` ${schema.description ?? ""}`], fields(schema), make("pre", JSON.stringify(schema, null, 2)));
  shown.id = `schema-${name}`;
  return shown;
};

const get = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

// A link to a schema opens it.
const open = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.setAttribute("open", "");

const show = async () => {
  const [rest, streams] = await Promise.all([get("/api/openapi.json"), get("/api/asyncapi.json")]);
  document.getElementById("about").textContent = `${rest.info.version}: ${rest.info.description}`;
  const operations = Object.entries(rest.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => operation(path, method, told)));
  document.getElementById("operations").append(...operations);
  const doors = Object.values(streams.channels).map((channel) => make("p", "", make("code", channel.address)));
  const messages = Object.entries(streams.components.messages).map(([name, told]) => message(name, told));
  document.getElementById("messages").append(...doors, ...messages);
  const schemas = { ...rest.components.schemas, ...streams.components.schemas };
  document.getElementById("parts").append(...Object.entries(schemas).map(([name, schema]) => part(name, schema)));
  open();
};

addEventListener("hashchange", open);
show().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The documents cannot be read: ${error.message}`;
  trouble.hidden = false;
});
