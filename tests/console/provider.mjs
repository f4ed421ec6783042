// A real provider of identities on a free port of this computer, for tests/console.rs: whoever signs in with any password is that
// person, whose address it has verified unless the name begins with "un". Run where tools.sh has brought oidc-provider.
import http from "node:http";
import Provider from "oidc-provider";

const server = http.createServer();
// A form is not sent anew where a kept connection was just closed.
server.keepAliveTimeout = 120000;
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "interdict", client_secret: "a secret of the client", redirect_uris: [process.argv[2]] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: !id.startsWith("un") }),
    }),
    cookies: { keys: ["of this test"] },
    pkce: { required: () => true },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
