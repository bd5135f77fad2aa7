import type { Page } from '@playwright/test';

import { Gate } from '../fixtures/gate.ts';
import { awake, CollaboratorsScreen, hasScripts, projectPath, visit } from '../fixtures/pages.ts';
import { freePort, Roster } from '../fixtures/roster.ts';
import { beginSession, PASSWORD, type Person } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

/** What changed is on every screen within this. */
const SOON = { timeout: 2_000 };

/** Somebody else signs in in another tab of this browser: its one session is theirs now. */
async function becomes(page: Page, value: string): Promise<void> {
  await page
    .context()
    .addCookies([{ name: 'roster', value, url: new URL(page.url()).origin, httpOnly: true, sameSite: 'Lax' }]);
}

async function enter(page: Page, person: Person, password: string): Promise<void> {
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a form counts for who filled it in: with another session nothing is changed, and what was typed is kept', async ({
  as,
  database,
  tenant,
}) => {
  const page = await as(tenant.member);
  await visit(page, '/settings/profile');
  await becomes(page, await beginSession(database, tenant.owner));
  await page.getByLabel('Name').fill('Somebody Married');
  await page.getByRole('button', { name: 'Save' }).first().click();

  await expect(page.getByText(`You are signed in as ${tenant.owner.name} now.`).first()).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue('Somebody Married');
  const names = await database.query('SELECT name FROM users WHERE id = ANY($1) ORDER BY name', [
    [tenant.member.id, tenant.owner.id],
  ]);
  expect(names.rows.map((row: { name: string }) => row.name)).toEqual([tenant.member.name, tenant.owner.name].sort());
});

test('a session that is over while a form is open: signing in leads back to it, with what was typed', async ({
  as,
  database,
  guard,
  tenant,
}) => {
  // The page asks for its news with the session that is over.
  guard.allowStatus(401);
  const page = await as(tenant.manager);
  const screen = await CollaboratorsScreen.open(page, tenant.open, '?q=some%2Bbody&dialog=add');
  await screen.email.fill('half.typed@acme.test');
  await database.query('DELETE FROM sessions WHERE user_id = $1', [tenant.manager.id]);
  await screen.confirm.click();
  if (hasScripts()) {
    await expect(screen.email).toHaveValue('half.typed@acme.test');
    await screen.addDialog.getByRole('link', { name: 'Sign in' }).click();
  }
  // A mistake on the way loses nothing.
  await enter(page, tenant.manager, 'not the password');
  await expect(page.getByRole('alert')).toContainText('Email or password is wrong');
  await enter(page, tenant.manager, PASSWORD);
  await expect(page).toHaveURL(/collaborators\?q=some%2Bbody&dialog=add$/);
  await expect(screen.email).toHaveValue('half.typed@acme.test');
  await expect(screen.addDialog).toContainText('Your session was over when you sent this');
});

test.describe('with scripts', { tag: '@scripts' }, () => {
  test('what is typed stays when the session ends elsewhere, and the page says so', async ({
    as,
    database,
    guard,
    tenant,
  }) => {
    guard.allowStatus(401);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open, '?dialog=add');
    await screen.email.fill('half.typed@');
    const other = await as(tenant.owner);
    await database.query('DELETE FROM sessions WHERE user_id = $1', [tenant.manager.id]);
    // Any news of the project has the page asked anew.
    const owners = await CollaboratorsScreen.open(other, tenant.open);
    await owners.add(tenant.member.email);
    await expect(screen.page.getByText('You’re signed out. Sign in to go on.').first()).toBeAttached(SOON);
    await expect(screen.email).toHaveValue('half.typed@');
  });

  test('E5: eight tabs open at once, are live all, and go on when the first is closed', async ({
    as,
    guard,
    tenant,
  }) => {
    test.slow();
    // The page of who is removed asks for it once more.
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const first = await as(tenant.member);
    const tabs = [first];
    while (tabs.length < 8) {
      tabs.push(await first.context().newPage());
    }
    for (const tab of tabs) {
      const since = Date.now();
      await visit(tab, `/settings${projectPath(tenant.open)}/collaborators`);
      expect(Date.now() - since).toBeLessThan(10_000);
    }
    const admin = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await admin.add(tenant.outsider.email);
    for (const tab of tabs) {
      await expect(tab.getByRole('row', { name: tenant.outsider.name })).toBeVisible(SOON);
    }
    // The first still navigates, and what the others follow does not depend on it.
    await visit(first, projectPath(tenant.open));
    await first.close();
    await admin.remove(tenant.outsider);
    for (const tab of tabs.slice(1)) {
      await expect(tab.getByRole('row', { name: tenant.outsider.name })).toBeHidden({ timeout: 5_000 });
    }
    await admin.remove(tenant.member);
    for (const tab of tabs.slice(1)) {
      await expect(tab.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible(SOON);
    }
  });

  test('E5: who is removed while Roster is away is told once it is back, though a proxy answered 502 meanwhile', async ({
    browse,
    database,
    guard,
    tenant,
  }) => {
    test.slow();
    guard.allowStatus(404, 502);
    guard.allow(/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION/);
    await tenant.add(tenant.open, tenant.member);
    const port = await freePort();
    const gate = await Gate.open(port);
    const settings = { ROSTER_ADDR: `127.0.0.1:${port}`, ROSTER_URL: gate.url };
    let roster = await Roster.start(settings);
    try {
      const page = await browse();
      const value = await beginSession(database, tenant.member);
      await page.context().addCookies([{ name: 'roster', value, url: gate.url, httpOnly: true, sameSite: 'Lax' }]);
      await visit(page, `${gate.url}/settings${projectPath(tenant.open)}/collaborators`);
      await expect(page.getByRole('row', { name: tenant.member.name })).toBeVisible();
      await awake(page);
      const refused = page.waitForResponse(
        (response) => response.url().includes('/events') && response.status() === 502,
      );
      await roster.stop();
      await refused;
      await database.query('DELETE FROM collaborators WHERE user_id = $1 AND project_id = $2', [
        tenant.member.id,
        tenant.open.id,
      ]);
      roster = await Roster.start(settings);
      await expect(page.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible({
        timeout: 15_000,
      });
    } finally {
      await roster.stop();
      await gate.close();
    }
  });
});
