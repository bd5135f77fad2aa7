import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import {
  collaboratorsPath,
  CollaboratorsScreen,
  expectFieldError,
  notFound,
  notice,
  profileForms,
  projectPath,
  ProjectSelector,
  settingsPath,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

/** WCAG 2.2, A and AA, with all that came before it. */
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Finds nothing wrong with the page as it is now: in light and dark, wide and narrow; and nothing sticks out at 320 pixels. */
async function expectAccessible(page: Page, state: string): Promise<void> {
  const size = page.viewportSize();
  // Colours that are on their way to another are not judged.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const found = await new AxeBuilder({ page }).withTags(STANDARD).setLegacyMode().analyze();
      const problems = found.violations.map(
        ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.target.join(' ')}`).join('\n')}`,
      );
      expect.soft(problems, `${state}, ${colorScheme}, ${width} wide`).toEqual([]);
    }
  }
  await page.setViewportSize({ width: 320, height: 800 });
  const room = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return { scrollWidth, clientWidth };
  });
  expect.soft(room.scrollWidth, `${state}: width needed at 320`).toBeLessThanOrEqual(room.clientWidth);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (size) {
    await page.setViewportSize(size);
  }
}

test.describe('N2: axe finds nothing', { tag: '@scripts' }, () => {
  // Four scans for every state.
  test.slow();

  test('on the screens before signing in', async ({ page, tenant }) => {
    await visit(page, '/sign-in');
    await expectAccessible(page, 'sign-in');
    await page.getByLabel('Email').fill(`nobody-${tenant.tag}@roster.test`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).not.toBeEmpty();
    await expectAccessible(page, 'sign-in with an error');
    await visit(page, '/sign-up');
    await expectAccessible(page, 'sign-up');
    await page.getByRole('button', { name: 'Sign up' }).click();
    await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
    await expectAccessible(page, 'sign-up with an error');
    await visit(page, '/docs/roles');
    await expectAccessible(page, 'roles');
  });

  test('on the overview, the profile and the page for what is not there', async ({ as, guard, tenant }) => {
    guard.allowStatus(404, 422);
    const page = await as(tenant.manager);
    await visit(page, projectPath(tenant.defaultProject));
    await expectAccessible(page, 'overview of the Default Project');
    const selector = await ProjectSelector.open(page);
    await expectAccessible(page, 'project selector');
    await selector.search.fill('no such project');
    await expect(selector.popover.getByRole('status')).toHaveText('No project found');
    await expectAccessible(page, 'project selector, and no project fits');
    await page.keyboard.press('Escape');
    await visit(page, projectPath(tenant.open));
    await expectAccessible(page, 'overview');
    await visit(page, '/settings/profile');
    await expectAccessible(page, 'profile');
    await profileForms(page).password.getByRole('button', { name: 'Save' }).click();
    await expect(page.locator('[aria-invalid]')).not.toHaveCount(0);
    await expectAccessible(page, 'profile with an error');
    await visit(page, projectPath(tenant.closed));
    await expect(notFound(page)).toBeVisible();
    await expectAccessible(page, 'not found');
  });

  test('on the list of collaborators, however it is searched', async ({ as, guard, tenant }) => {
    guard.allowStatus(400);
    await tenant.addCrowd(tenant.open, 60);
    await tenant.add(tenant.open, tenant.outsider);
    await tenant.database.query(
      `UPDATE collaborators SET expires_at = '2999-12-31' WHERE project_id = $1 AND user_id = $2`,
      [tenant.open.id, tenant.outsider.id],
    );
    const long = await tenant.person('Maximiliane-Wilhelmine von und zu Hohenstein-Oberwaldingen-Unterhausen');
    await tenant.join(long);
    await tenant.add(tenant.open, long, { role: 'admin' });
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open, '?order=desc');
    await screen.page.getByRole('link', { name: 'Next page' }).click();
    await expect(screen.row(tenant.admin)).toBeVisible();
    await expectAccessible(screen.page, 'collaborators');
    await screen.openMenu(tenant.admin);
    await expectAccessible(screen.page, 'menu of a row that cannot be changed');
    await screen.page.keyboard.press('Escape');
    await CollaboratorsScreen.open(screen.page, tenant.open, '?q=ma&sort=role&order=desc');
    await screen.openMenu(long);
    await expectAccessible(screen.page, 'menu of a row');
    await screen.page.keyboard.press('Escape');
    await CollaboratorsScreen.open(screen.page, tenant.open, '?q=nobody-is-called-this');
    await expectAccessible(screen.page, 'nobody found');
    await visit(screen.page, `${collaboratorsPath(tenant.open)}?role=emperor`);
    await expectAccessible(screen.page, 'a link that does not work');
  });

  test('on the dialogs of the list, and the messages after them', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    await tenant.add(tenant.open, tenant.outsider);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.addButton.click();
    await expectAccessible(screen.page, 'add dialog');
    await screen.email.fill('not an address');
    await screen.confirm.click();
    await expectFieldError(screen.email, /Enter an email address/);
    await expectAccessible(screen.page, 'add dialog with an error');
    await screen.page.keyboard.press('Escape');
    await screen.choose(tenant.outsider, 'Set end date');
    await expect(screen.endDateDialog(tenant.outsider)).toBeVisible();
    await expectAccessible(screen.page, 'end date dialog');
    await screen.page.keyboard.press('Escape');
    await screen.choose(tenant.outsider, 'Remove User');
    await expect(screen.removeDialog(tenant.outsider)).toBeVisible();
    await expectAccessible(screen.page, 'remove dialog');
    await screen.removeDialog(tenant.outsider).getByRole('button', { name: 'Remove User' }).click();
    await expect(notice(screen.page, 'was removed')).toBeVisible();
    await expectAccessible(screen.page, 'a message');
  });

  test('on the settings, as an Admin and as a Member', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    await tenant.add(tenant.open, tenant.outsider);
    await tenant.add(tenant.open, tenant.member);
    await tenant.database.query('UPDATE projects SET allow_externals = false WHERE id = $1', [tenant.open.id]);
    const screen = await SettingsScreen.open(await as(tenant.owner), tenant.open);
    await expectAccessible(screen.page, 'settings with leftover externals');
    await screen.slug.fill('no slug');
    await screen.save.click();
    await expectFieldError(screen.slug, /Use 3 to 63/);
    await expectAccessible(screen.page, 'settings with an error');
    await SettingsScreen.open(screen.page, tenant.defaultProject);
    await expectAccessible(screen.page, 'settings of the Default Project');
    const member = await as(tenant.member);
    await visit(member, settingsPath(tenant.open));
    await expectAccessible(member, 'settings as a Member');
    await visit(member, collaboratorsPath(tenant.open));
    await expectAccessible(member, 'collaborators as a Member');
  });

  test('on the screen of somebody who was removed while looking', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const looking = await as(tenant.member);
    await visit(looking, projectPath(tenant.open));
    const admin = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await admin.remove(tenant.member);
    await expect(looking.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible();
    await expectAccessible(looking, 'access ended');
  });
});

test('N2: names that are long or of another script break nothing at 320 pixels', { tag: '@scripts' }, async ({ as, tenant }) => {
  const names = [
    'W'.repeat(100),
    'محمد بن عبد الله الأنصاري',
    '👩🏽‍🔬 Dr. Ada 🦀',
    'Ω'.repeat(60),
  ];
  for (const name of names) {
    const person = await tenant.person(name);
    await tenant.join(person);
    await tenant.add(tenant.open, person);
  }
  await tenant.renameProject(tenant.open, 'P'.repeat(100));
  await tenant.renameOrganization('O'.repeat(100));
  const page = await as(tenant.owner);
  for (const width of [320, 360, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const path of [projectPath, settingsPath, collaboratorsPath]) {
      await visit(page, path(tenant.open));
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect.soft(overflow, `${path(tenant.open)} at ${width}`).toBeLessThanOrEqual(0);
    }
  }
});
