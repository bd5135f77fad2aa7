import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { apiKeysPath } from '../fixtures/api-keys.ts';
import {
  InvitationPage,
  InvitationsScreen,
  MembersScreen,
  OrganizationScreen,
  ProjectsScreen,
} from '../fixtures/organization.ts';
import {
  awake,
  collaboratorsPath,
  CollaboratorsScreen,
  hasScripts,
  notice,
  projectPath,
  ProjectSelector,
  settingsPath,
  signIn,
  visit,
} from '../fixtures/pages.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

const MARKUP = '</title><script>document.documentElement.dataset.pwned=1</script><b>x';

test('names with markup in them are text, in titles, headings, menus, dialogs and messages @scripts', async ({
  as,
  tenant,
}) => {
  await tenant.renameProject(tenant.open, `P ${MARKUP}`);
  await tenant.renameOrganization(`O ${MARKUP}`);
  await tenant.rename(tenant.owner, `A ${MARKUP}`);
  const person = await tenant.rename(tenant.member, `M ${MARKUP}`);
  const page = await as(tenant.manager);
  const expectHarmless = async (): Promise<void> => {
    await expect(page.locator('html[data-pwned]')).toHaveCount(0);
    await expect(page.locator('body b')).toHaveCount(0);
  };

  await visit(page, projectPath(tenant.open));
  await expect(page).toHaveTitle(`P ${MARKUP} · Roster`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`P ${MARKUP}`);
  await expectHarmless();
  await visit(page, settingsPath(tenant.open));
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue(`P ${MARKUP}`);
  await expectHarmless();

  const screen = await CollaboratorsScreen.open(page, tenant.open);
  await screen.add(person.email);
  await expect(screen.row(person)).toContainText(`M ${MARKUP}`);
  await expect(notice(page, `M ${MARKUP} was added`)).toBeVisible();
  await expect(screen.row(tenant.manager)).toContainText(`Added by A ${MARKUP}`);
  await expectHarmless();
  await screen.choose(person, 'Remove User');
  await expect(screen.removeDialog(person)).toBeVisible();
  await expectHarmless();
});

test('names with markup are text on the organization’s screens, on an invitation and in its dialogs @scripts', async ({
  as,
  browse,
  tenant,
}) => {
  const organization = { ...tenant.organization, name: `O ${MARKUP}` };
  await tenant.renameProject(tenant.closed, `P ${MARKUP}`);
  await tenant.renameOrganization(organization.name);
  const admin = await tenant.rename(tenant.admin, `A ${MARKUP}`);
  const link = await tenant.invite(tenant.address('nina'), admin);
  const page = await as(tenant.owner);
  const expectHarmless = async (at = page): Promise<void> => {
    await expect(at.locator('html[data-pwned]')).toHaveCount(0);
    await expect(at.locator('body b')).toHaveCount(0);
  };

  await OrganizationScreen.open(page, organization);
  await expect(page).toHaveTitle(`Organization settings · ${organization.name} · Roster`);
  await expect(page.getByRole('combobox', { name: 'New Owner' })).toContainText(admin.name);
  await expectHarmless();

  const members = await MembersScreen.open(page, organization);
  await expect(members.row(admin)).toContainText(admin.email);
  await members.choose(admin, 'Remove Member');
  await expect(members.removeDialog(admin).getByRole('list', { name: 'Projects' })).toContainText(`P ${MARKUP}`);
  await expectHarmless();
  await members.removeDialog(admin).getByRole('button', { name: 'Cancel' }).click();
  await members.choose(admin, 'Make Member');
  await expect(notice(page, `${admin.name} is now a Member of the organization.`)).toBeVisible();
  await expectHarmless();

  const invitations = await InvitationsScreen.open(page, organization, '?state=revoked');
  await expect(invitations.of(tenant.address('nina'))).toContainText(`by ${admin.name}`);
  await invitations.inviting.button.click();
  await expect(invitations.inviting.dialog).toContainText(`becomes a Member of ${organization.name}`);
  await invitations.inviting.email.fill(`</textarea>${MARKUP}`);
  await invitations.inviting.send.click();
  await expect(invitations.inviting.dialog).toContainText('Enter an email address');
  await expectHarmless();

  const projects = await ProjectsScreen.open(page, organization);
  await expect(projects.row({ name: `P ${MARKUP}` })).toBeVisible();
  await expectHarmless();
  const selector = await ProjectSelector.open(page);
  await expect(selector.project({ name: `P ${MARKUP}` })).toBeVisible();
  await expectHarmless();

  const invited = await browse();
  await InvitationPage.open(invited, link, organization);
  await expect(invited.getByRole('main')).toContainText(`${admin.name} invites you to join ${organization.name}.`);
  await expectHarmless(invited);
});

test('what is searched for is text, in the page and in its links @scripts', async ({ as, tenant }) => {
  const text = `"><script>document.documentElement.dataset.pwned=1</script>`;
  const screen = await CollaboratorsScreen.open(
    await as(tenant.manager),
    tenant.open,
    `?q=${encodeURIComponent(text)}`,
  );
  await expect(screen.search).toHaveValue(text);
  await expect(screen.page.getByRole('heading', { name: 'Nobody found' })).toBeVisible();
  await expect(screen.page.locator('html[data-pwned]')).toHaveCount(0);
});

test('a script that got into the page does not run', { tag: '@scripts' }, async ({ guard, page }) => {
  guard.allow(/Content Security Policy/);
  await page.route('**/docs/roles', async (route) => {
    const response = await route.fetch();
    const planted = `
      <script>document.documentElement.dataset.pwned = 'inline'</script>
      <img src="data:," alt="" onerror="document.documentElement.dataset.pwned = 'handler'">
      <script src="data:text/javascript,document.documentElement.dataset.pwned='data'"></script>
      <style>html { --pwned: 1 }</style></body>`;
    await route.fulfill({ response, body: (await response.text()).replace('</body>', planted) });
  });
  const violations: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) {
      violations.push(message.text());
    }
  });
  await page.goto('/docs/roles');
  await expect.poll(() => violations.length).toBeGreaterThanOrEqual(4);
  await expect(page.locator('html[data-pwned]')).toHaveCount(0);
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--pwned'))).toBe('');
});

test('after signing out, the back button shows nothing of what was there', async ({ as, tenant }) => {
  const page = await as(tenant.manager);
  await visit(page, collaboratorsPath(tenant.open));
  await page.getByRole('button', { name: `Account: ${tenant.manager.name}` }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await awake(page);
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await awake(page);
  await expect(page.getByText(tenant.manager.email)).toBeHidden();
});

test('the session cookie is out of reach of scripts and of other sites, and gone after signing out @scripts', async ({
  browse,
  page,
  tenant,
}) => {
  const signedIn = await browse();
  await signIn(signedIn, tenant.manager);
  const isSecure = new URL(signedIn.url()).protocol === 'https:';
  const name = isSecure ? '__Host-roster' : 'roster';
  const cookie = (await signedIn.context().cookies()).find((found) => found.name === name);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', secure: isSecure, path: '/' });
  // 256 random bits.
  expect(cookie?.value).toMatch(/^[\w-]{43}$/);
  expect(cookie?.expires).toBeGreaterThan(Date.now() / 1000);

  await signedIn.getByRole('button', { name: `Account: ${tenant.manager.name}` }).click();
  await signedIn.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(signedIn).toHaveURL(/\/sign-in/);
  await awake(signedIn);
  expect((await signedIn.context().cookies()).map((found) => found.name)).not.toContain(name);

  // The cookie's value is worth nothing any more, wherever somebody may have kept it.
  await page.context().addCookies([{ name, value: cookie?.value ?? '', url: signedIn.url() }]);
  await visit(page, projectPath(tenant.open));
  await expect(page).toHaveURL(/\/sign-in/);
});

test('signing in gives a session of its own, whatever cookie was planted before @scripts', async ({ page, tenant }) => {
  const planted = 'A'.repeat(43);
  await page.goto('/sign-in');
  await page.context().addCookies([{ name: 'roster', value: planted, url: page.url() }]);
  await awake(page);
  await signIn(page, tenant.manager);
  const cookie = (await page.context().cookies()).find((found) => found.name === 'roster');
  expect(cookie?.value).not.toBe(planted);
});

const ELSEWHERE = [
  'https://evil.test/',
  '//evil.test/',
  '/\\evil.test/',
  '\\\\evil.test',
  '/\t/evil.test/',
  'javascript:alert(1)',
  '/%0d%0aLocation:https://evil.test',
  '/.//evil.test',
];

test('next= leads to this console and to no other site', { tag: '@scripts' }, async ({ request, tenant, baseURL }) => {
  for (const next of ELSEWHERE) {
    const response = await request.post('/api/sign_in', {
      form: { email: tenant.manager.email, password: PASSWORD, next },
      headers: { accept: 'text/html' },
      maxRedirects: 0,
    });
    expect(response.status(), next).toBe(303);
    const to = new URL(response.headers()['location'] ?? '', baseURL);
    expect(to.origin, next).toBe(new URL(baseURL ?? '').origin);
  }
});

test('a link to the sign-in page with next= of another site stays here @scripts', async ({ page, tenant, baseURL }) => {
  await visit(page, `/sign-in?next=${encodeURIComponent('//evil.test/')}`);
  await page.getByLabel('Email').fill(tenant.manager.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: `Account: ${tenant.manager.name}` })).toBeVisible();
  expect(new URL(page.url()).origin).toBe(new URL(baseURL ?? '').origin);
});

test('a form of another site does nothing @scripts', async ({ as, tenant, guard }) => {
  guard.allowStatus(403);
  const page = await as(tenant.manager);
  await visit(page, '/');
  const before = await tenant.snapshot(tenant.open);
  const target = new URL('/api/add_collaborator', page.url()).href;
  // Another site that somebody who is signed in visits; 127.0.0.1 and localhost are two.
  await page.route('http://evil.localhost/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${target}">
        <input name="project" value="${tenant.open.slug}"><input name="email" value="${tenant.member.email}">
        <button>Win a prize</button></form>`,
    }),
  );
  await page.goto('http://evil.localhost/');
  const [response] = await Promise.all([
    page.waitForResponse((answer) => answer.url() === target),
    page.getByRole('button', { name: 'Win a prize' }).click(),
  ]);
  expect([401, 403]).toContain(response.status());
  expect(await tenant.snapshot(tenant.open)).toBe(before);
});

test('a link with a secret in it is told to nobody', { tag: '@scripts' }, async ({ request, tenant }) => {
  const link = await tenant.invite(tenant.address('nina'));
  const headers = (await request.get(link)).headers();
  expect(headers['referrer-policy']).toMatch(/^(no-referrer|same-origin)$/);
  expect(headers['cache-control']).toBe('no-store');
});

test('a forged message cookie shows no words of its own @scripts', async ({ as, tenant, baseURL }) => {
  const page = await as(tenant.manager);
  const forged = Buffer.from(
    JSON.stringify({ form: 'remove', outcome: { Err: '<b>Call this number</b>' }, typed: [] }),
  );
  for (const value of [forged.toString('base64url'), 'not base64 at all', 'A'.repeat(3_000)]) {
    await page.context().addCookies([{ name: 'roster-flash', value, url: baseURL ?? '' }]);
    expect(await visit(page, collaboratorsPath(tenant.open))).toBe(200);
    await expect(page.getByText('Call this number')).toBeHidden();
    await expect(page.getByRole('main').getByRole('status')).toHaveText(['', '']);
  }
});

test('the password is never in a URL, and is not shown again @scripts', async ({ page, tenant }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await signIn(page, tenant.manager);
  expect(asked.some((url) => url.includes(PASSWORD))).toBe(false);
  expect(await page.evaluate(() => document.cookie)).not.toContain('roster=');
});

/** A service on another port of the console's host, whose page sets cookies and leads on to the console. */
async function otherPort(baseURL: string, cookies: string[], next: string): Promise<{ server: Server; url: string }> {
  const script = cookies.map((cookie) => `document.cookie = ${JSON.stringify(cookie)};`).join('');
  const html = `<!DOCTYPE html><title>Service</title><script>${script}</script><a href="${baseURL}${next}">Go on</a>`;
  const server = createServer((request, response) => {
    // A page without scripts sets them by its answer instead.
    const headers = hasScripts() ? {} : { 'set-cookie': cookies };
    response.writeHead(request.url === '/' ? 200 : 204, { 'content-type': 'text/html', ...headers });
    response.end(request.url === '/' ? html : undefined);
  });
  const { hostname } = new URL(baseURL);
  await new Promise<void>((resolve) => server.listen(0, hostname, resolve));
  return { server, url: `http://${hostname}:${(server.address() as AddressInfo).port}/` };
}

test('J11: a service on another port of this host forges neither a message nor a session', async ({
  as,
  baseURL,
  tenant,
}) => {
  const attacker = await (await as(tenant.member)).context().cookies();
  const session = attacker.find((cookie) => cookie.name === 'roster')?.value ?? '';
  expect(session).not.toBe('');
  const made = { key_made: { name: 'Deploy', secret: 'rsk_FORGED', how: 'created' } };
  const flash = Buffer.from(JSON.stringify({ form: 'create_key', outcome: { Ok: made }, typed: [] })).toString(
    'base64url',
  );
  const secrets = `${apiKeysPath(tenant.open)}?dialog=secret`;
  const page = await as(tenant.manager);
  const own = await page.context().cookies();
  const account = page
    .getByRole('button', { name: `Account: ${tenant.manager.name}` })
    .filter({ visible: true })
    .first();

  const cookies = [`roster-flash=${flash}; Path=/`, `roster=${session}; Path=/settings`];
  const { server, url } = await otherPort(baseURL ?? '', cookies, secrets);
  try {
    await page.goto(url);
    const set = await page.context().cookies(`${baseURL}${secrets}`);
    expect(set.filter((cookie) => cookie.name === 'roster')).toHaveLength(2);
    await page.getByRole('link', { name: 'Go on' }).click();
    // A request with two sessions is nobody's; the forged one is gone after it, and the person's is what it was.
    await expect(account).toBeVisible();
    const left = await page.context().cookies(`${baseURL}${secrets}`);
    expect(left.filter((cookie) => cookie.name === 'roster').map((cookie) => cookie.value)).toEqual(
      own.filter((cookie) => cookie.name === 'roster').map((cookie) => cookie.value),
    );
    await visit(page, secrets);
    await expect(account).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Secret key' })).toHaveCount(0);
    expect(await page.content()).not.toContain('rsk_FORGED');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
