// Starts GraphiQL against the endpoint that served this page. Headers stay in this tab: they hold a token.
"use strict";
(function () {
  var root = document.getElementById("graphiql");
  var fetcher = GraphiQL.createFetcher({ url: root.dataset.endpoint });
  var headers = JSON.stringify({ Authorization: "Bearer ", "Hub-Purpose": "" }, null, 2);
  var welcome = [
    "# Put a token after \"Bearer \" under Headers below, and a purpose if your grant names one,",
    "# then fetch the schema again (the round arrow on the left): you see what you may see.",
    "",
    "{",
    "  __typename",
    "}",
    ""
  ].join("\n");
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher: fetcher,
      defaultHeaders: headers,
      defaultQuery: welcome,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false
    })
  );
})();
