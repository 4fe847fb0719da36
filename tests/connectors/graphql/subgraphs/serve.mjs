// Three subgraphs, each on a port of its own; prints one line of JSON with their addresses.
// Each counts its requests beside probes: `GET <address>count` tells and starts anew.
import { createServer } from "node:http";
import { ApolloServer, HeaderMap } from "@apollo/server";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { GraphQLError } from "graphql";
import gql from "graphql-tag";

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@shareable", "@external", "@requires", "@provides", "@override",
           { name: "@inaccessible", as: "@secret" }])`;

const products = [
  { upc: "p1", title: "Lamp", price: 40, weight: 3, supplier: 1, size: { height: 10, width: 4 } },
  { upc: "p2", title: "Chair", price: 120, weight: 9, supplier: 2, size: { height: 90, width: 40 } },
  { upc: "p3", title: "Desk", price: 300, weight: 40, supplier: 1, size: null },
];
const reviews = [
  { id: "r1", body: "bright", stars: 5, product: "p1", author: "u1" },
  { id: "r2", body: "dim", stars: 2, product: "p1", author: "u2" },
  { id: "r3", body: "soft", stars: 4, product: "p2", author: "u1" },
];
const stock = { p1: 7, p2: 0, p3: 2 };

// The contract's tables, as they were last put by `POST <address>rows`.
let held = { things: [], children: [] };
const matching = (rows, { ids, is, name, names, flag }) =>
  rows.filter(
    (row) =>
      (!ids || ids.includes(row.id)) && (is == null || row.id === is) &&
      (name == null || row.name === name) && (!names || names.includes(row.name)) &&
      (flag == null || row.flag === flag),
  );

const SUBGRAPHS = {
  contract: {
    typeDefs: `${LINK}
      scalar Decimal
      scalar BigInt
      type Query {
        things(offset: Int, limit: Int, ids: [Int!], is: Int, name: String, names: [String!],
               flag: Boolean): [Thing!]!
        children: [Thing!]!
      }
      enum Sex { m f x }
      type Thing @key(fields: "id") {
        id: Int! code: ID name: String amount: Decimal ratio: Float flag: Boolean big: BigInt
        parent: Int sex: Sex
      }`,
    resolvers: {
      Query: {
        things: (_, { offset = 0, limit = 25, ...wanted }) =>
          matching(held.things, wanted).slice(offset, offset + Math.min(limit, 40)),
        children: () => held.children,
      },
      Thing: {
        __resolveReference: ({ id }) => held.things.find((row) => row.id === id) ?? null,
      },
    },
  },
  products: {
    typeDefs: `${LINK}
      type Query {
        products(upcs: [ID!], after: String, first: Int): ProductConnection!
        topProducts(first: Int = 2): [Product!]!
      }
      type ProductConnection { edges: [ProductEdge!]! pageInfo: PageInfo! }
      type ProductEdge { node: Product! }
      type PageInfo { endCursor: String hasNextPage: Boolean! }
      type Size { height: Int! width: Int! }
      enum Shape { ROUND FLAT }
      type Product @key(fields: "upc") {
        upc: ID!
        title: String @shareable
        price: Int
        weight: Int
        supplierId: Int
        size: Size
        shape: Shape
        costPrice: Int @secret
      }`,
    resolvers: {
      Query: {
        products: (_, { upcs, after, first }) => {
          const found = products.filter((one) => !upcs || upcs.includes(one.upc));
          const start = Number(after ?? 0);
          const end = start + (first ?? 2);
          return {
            edges: found.slice(start, end).map((node) => ({ node })),
            pageInfo: { endCursor: String(end), hasNextPage: found.length > end },
          };
        },
        topProducts: (_, { first }) => products.slice(0, first),
      },
      Product: {
        __resolveReference: ({ upc }) => products.find((one) => one.upc === upc) ?? null,
        supplierId: (one) => one.supplier,
        shape: (one) => (one.upc === "p1" ? "ROUND" : "FLAT"),
        costPrice: () => 1,
      },
    },
  },
  reviews: {
    typeDefs: `${LINK}
      type Review @key(fields: "id") {
        id: ID!
        body: String
        stars: Int
        product: Product @provides(fields: "title")
        author: User
      }
      type Product @key(fields: "upc") { upc: ID! title: String @external reviews: [Review!]! }
      type User @key(fields: "id") { id: ID! reviews: [Review!]! }
      type Query { latestReviews(first: Int = 1): [Review!]! }`,
    resolvers: {
      Query: { latestReviews: (_, { first }) => reviews.slice(-first) },
      Review: {
        __resolveReference: ({ id }) => reviews.find((one) => one.id === id) ?? null,
        product: (one) => ({ upc: one.product }),
        author: (one) => ({ id: one.author }),
        body: (one) => {
          if (one.id === "r3") {
            throw new GraphQLError("the reviews database at 10.0.0.7 is down");
          }
          return one.body;
        },
      },
      Product: { reviews: ({ upc }) => reviews.filter((one) => one.product === upc) },
      User: { reviews: ({ id }) => reviews.filter((one) => one.author === id) },
    },
  },
  inventory: {
    typeDefs: `${LINK}
      type Product @key(fields: "upc") {
        upc: ID!
        inStock: Int
        price: Int @external
        weight: Int @external
        shippingEstimate: Int @requires(fields: "price weight")
      }`,
    resolvers: {
      Product: {
        __resolveReference: (given) => (given.upc in stock ? given : null),
        inStock: ({ upc }) => stock[upc],
        shippingEstimate: ({ price, weight }) => (price > 100 ? 0 : weight * 2),
      },
    },
  },
};

const told = {};
for (const [name, { typeDefs, resolvers }] of Object.entries(SUBGRAPHS)) {
  const schema = buildSubgraphSchema({ typeDefs: gql(typeDefs), resolvers });
  const server = new ApolloServer({ schema, introspection: false });
  await server.start();
  let asked = 0;
  const http = createServer((request, response) => {
    if (request.url === "/count") {
      response.end(String(asked));
      asked = 0;
      return;
    }
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      if (request.url === "/rows") {
        held = JSON.parse(Buffer.concat(parts).toString());
        response.end();
        return;
      }
      const sent = Buffer.concat(parts).toString();
      if (!sent.includes('"{ __typename }"')) asked += 1;
      const headers = new HeaderMap();
      for (const [key, value] of Object.entries(request.headers)) headers.set(key, String(value));
      const { search } = new URL(request.url, "http://localhost");
      const made = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: request.method,
          headers,
          search,
          body: request.method === "POST" ? JSON.parse(sent) : undefined,
        },
        context: async () => ({}),
      });
      for (const [key, value] of made.headers) response.setHeader(key, value);
      response.statusCode = made.status ?? 200;
      response.end(made.body.string);
    });
  });
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  told[name] = `http://127.0.0.1:${http.address().port}/`;
}
console.log(JSON.stringify(told));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
