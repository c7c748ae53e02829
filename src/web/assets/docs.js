// docs.js - starts Swagger UI on this gateway's own document. Keys that are typed in stay in the page.
// SPDX-License-Identifier: Apache-2.0
"use strict";
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
