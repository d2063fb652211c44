// A certified OpenID provider whose people sign in and consent by themselves, so that no browser is needed.
// Configured by one JSON argument: {port, resource, format, accounts: {name: {groups, scopes}}, introspector}.
// `scopes` are those of the resource that the person consents to; POST /consents changes them.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const told = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${told.port}`;
const accounts = told.accounts;
const ours = 'snowgate:read snowgate:write';

const key = (kid, type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});

const provider = new Provider(issuer, {
  jwks: { keys: [key('e1', 'ec', { namedCurve: 'P-256' }, 'ES256'), key('r1', 'rsa', { modulusLength: 2048 }, 'RS256')] },
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'offline_access', ...ours.split(' ')],
  clients: [{
    client_id: 'gate', client_secret: told.introspector, redirect_uris: [], response_types: [], grant_types: [],
    token_endpoint_auth_method: 'client_secret_basic', introspection_endpoint_auth_method: 'client_secret_basic',
  }],
  pkce: { required: () => true },
  ttl: { AccessToken: 600, Grant: 3600, Interaction: 600, Session: 3600, RefreshToken: 3600 },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => (id in accounts ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
  extraTokenClaims: (_, token) => ({ groups: accounts[token.accountId]?.groups ?? [] }),
  allowOmittingSingleRegisteredRedirectUri: false,
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    introspection: { enabled: true, allowedPolicy: () => true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => told.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: ours, audience: told.resource, accessTokenTTL: 600, accessTokenFormat: told.format,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

async function interact(ctx) {
  const { prompt, params, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  const login = { accountId: params.login_hint ?? told.person };
  const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant({ accountId: login.accountId, clientId: params.client_id });
  const asked = (params.scope ?? '').split(' ').filter(Boolean);
  const allowed = accounts[login.accountId].scopes;
  if (prompt.name === 'login') return provider.interactionFinished(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false });
  grant.addOIDCScope(asked.join(' '));
  const some = asked.filter((scope) => allowed.includes(scope));
  const rest = asked.filter((scope) => ours.includes(scope) && !allowed.includes(scope));
  if (some.length) grant.addResourceScope(told.resource, some.join(' '));
  if (rest.length) grant.rejectResourceScope(told.resource, rest.join(' '));
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(ctx.req, ctx.res, { consent }, { mergeWithLastSubmission: true });
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) { await interact(ctx); ctx.respond = false; return; }
  if (ctx.path === '/consents' && ctx.method === 'POST') {
    accounts[ctx.query.person].scopes = ctx.query.scopes.split(' ');
    ctx.body = 'ok';
    return;
  }
  await next();
});

for (const event of ['server_error', 'grant.error', 'authorization.error', 'registration_create.error', 'introspection.error']) {
  provider.on(event, (_, error) => console.error(event, error?.error_description ?? error?.message ?? error));
}

createServer(provider.callback()).listen(told.port, '127.0.0.1', () => console.log('ready'));
