// Runs the server audits of the npm package graphql-http against URL; prints one JSON line each.
// node audits.mjs MODULE URL TOKEN
const [module, url, token] = process.argv.slice(2);
const { serverAudits } = await import(module);
const fetchFn = (where, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  if (!init.method || init.method === "GET") headers.set("graphql-require-preflight", "1");
  return fetch(where, { ...init, headers });
};
for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason }));
}
