// A real OpenID Connect provider with one client. Ends when its standard input does.
import Provider from 'oidc-provider'

const [port, redirectUri, clientSecret] = process.argv.slice(2)
const issuer = `http://localhost:${port}`
const provider = new Provider(issuer, {
  clients: [{ client_id: 'hub-console', client_secret: clientSecret, redirect_uris: [redirectUri] }],
  acrValues: ['pwd', 'card'],
  claims: { openid: ['sub'], duties: ['duties'] },
  cookies: { keys: ['a key of a test'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, duties: ['security-officer'] }) }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId
    })
    grant.addOIDCScope('openid duties')
    await grant.save()
    return grant
  }
})
provider.use(async (ctx, next) => {
  if (ctx.path === '/elsewhere') {
    ctx.type = 'html'
    ctx.body = '<!doctype html><title>elsewhere</title>'
    return
  }
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { params } = await provider.interactionDetails(ctx.req, ctx.res)
  if (ctx.method === 'GET') {
    ctx.type = 'html'
    ctx.body = `<!doctype html><title>log in</title><form method="post" action="${ctx.path}">
      <input name="login"><button type="submit">Log in</button></form>`
    return
  }
  let body = ''
  for await (const part of ctx.req) body += part
  const accountId = new URLSearchParams(body).get('login')
  const acr = params.acr_values ?? 'pwd'
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId, acr } })
  ctx.respond = false
})
provider.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ issuer })))
process.stdin.on('end', () => process.exit(0)).resume()
