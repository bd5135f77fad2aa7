import { CollaboratorsScreen, notice, projectPath, SettingsScreen, signOut, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

/** What changed is on the other screen within this. */
const SOON = { timeout: 2_000 };

test.describe('two browsers', { tag: '@scripts' }, () => {
  test('what one Admin adds, changes and removes, the other sees without a reload', async ({ as, tenant }) => {
    const one = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const other = await CollaboratorsScreen.open(await as(tenant.owner), tenant.open);
    await other.page.evaluate(() => document.body.setAttribute('data-not-reloaded', ''));

    await one.add(tenant.member.email);
    await expect(notice(one.page, 'was added')).toBeVisible();
    await expect(other.row(tenant.member)).toBeVisible(SOON);
    await one.choose(tenant.member, 'Make Admin');
    await expect(notice(one.page, 'is now an Admin')).toBeVisible();
    await expect(other.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin', SOON);
    await one.remove(tenant.member);
    await expect(notice(one.page, 'was removed')).toBeVisible();
    await expect(other.row(tenant.member)).toBeHidden(SOON);
    await expect(other.page.locator('body[data-not-reloaded]')).toBeAttached();
    // The other did none of it, and is told of nothing they did.
    await expect(other.page.getByRole('main').getByRole('status')).toHaveText(['', '']);
  });

  test('what is typed, where the focus is and what is searched stay when the list changes', async ({ as, tenant }) => {
    const one = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const other = await CollaboratorsScreen.open(await as(tenant.owner), tenant.open, '?sort=added');
    await other.addButton.click();
    await other.email.fill('half-typed@');

    await one.add(tenant.member.email);
    await expect(other.people).toHaveCount(4, SOON);
    await expect(other.email).toHaveValue('half-typed@');
    await expect(other.email).toBeFocused();
    await expect(other.page).toHaveURL(/sort=added&dialog=add/);
  });

  test('a menu that is open stays open, and the focus in it, when the list changes', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const one = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const other = await CollaboratorsScreen.open(await as(tenant.owner), tenant.open);
    const menu = await other.openMenu(tenant.member);
    await expect(menu.getByRole('menuitem').first()).toBeFocused();

    await one.add(tenant.outsider.email);
    await expect(other.row(tenant.outsider)).toBeVisible(SOON);
    await expect(menu.getByRole('menuitem').first()).toBeFocused();
    await menu.getByRole('menuitem', { name: 'Make Admin' }).click();
    await expect(notice(other.page, `${tenant.member.name} is now an Admin.`)).toBeVisible();
  });

  test('C5: somebody made an Admin while looking may act without a reload', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const admin = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const looking = await CollaboratorsScreen.open(await as(tenant.member), tenant.open);
    await expect(looking.addButton).toBeHidden();

    await admin.choose(tenant.member, 'Make Admin');
    await expect(looking.addButton).toBeVisible(SOON);
    await looking.add(tenant.outsider.email);
    await expect(looking.row(tenant.outsider)).toBeVisible();
    await admin.choose(tenant.member, 'Make Member');
    await expect(looking.addButton).toBeHidden(SOON);
    await expect(looking.menuButton(tenant.outsider)).toBeHidden(SOON);
  });

  for (const screen of ['overview', 'settings', 'collaborators'] as const) {
    test(`E5: somebody removed while looking at the ${screen} is told, and their screen goes away`, async ({
      as,
      guard,
      tenant,
    }) => {
      guard.allowStatus(404);
      await tenant.add(tenant.open, tenant.member);
      const admin = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
      const looking = await as(tenant.member);
      const path = { overview: '', settings: '/settings', collaborators: '/settings' }[screen];
      await visit(looking, `${path}${projectPath(tenant.open)}${screen === 'collaborators' ? '/collaborators' : ''}`);
      await expect(looking.getByRole('main')).toContainText(tenant.open.name);

      await admin.remove(tenant.member);
      await expect(looking.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible(SOON);
      await expect(looking.getByRole('main')).not.toContainText(tenant.open.name);
      await expect(looking.getByRole('table')).toBeHidden();
      await expect(looking).toHaveTitle(/^Access ended/);
      await looking.getByRole('link', { name: 'Go to your projects' }).click();
      await expect(looking.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
    });
  }

  test('X1: an external who is removed with all others while looking is told as well', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.outsider);
    const looking = await CollaboratorsScreen.open(await as(tenant.outsider), tenant.open);
    const settings = await SettingsScreen.open(await as(tenant.manager), tenant.open);
    await settings.allowExternals.uncheck();
    await settings.save.click();
    await settings.page.getByRole('button', { name: 'Remove them all' }).click();
    await settings.page.getByRole('dialog').getByRole('button', { name: 'Remove them all' }).click();
    await expect(looking.page.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible(
      SOON,
    );
  });

  test('a new name of the project is on every screen that is open', async ({ as, tenant }) => {
    const settings = await SettingsScreen.open(await as(tenant.manager), tenant.open);
    const looking = await as(tenant.owner);
    await visit(looking, projectPath(tenant.open));
    await settings.name.fill('Renamed meanwhile');
    await settings.save.click();
    await expect(looking.getByRole('heading', { name: 'Renamed meanwhile', level: 1 })).toBeVisible(SOON);
    await expect(looking.getByRole('button', { name: 'Project: Renamed meanwhile. Switch project' })).toBeVisible();
  });

  test('somebody who signs out in one tab is asked to sign in again in the other', async ({ as, guard, tenant }) => {
    guard.allowStatus(401);
    const page = await as(tenant.manager);
    await visit(page, '/');
    const other = await page.context().newPage();
    const screen = await CollaboratorsScreen.open(other, tenant.open);
    await signOut(page, tenant.manager);
    await expect(screen.page).toHaveURL(/\/sign-in\?next=.*collaborators/, SOON);
  });
});
