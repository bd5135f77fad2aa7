import { generateKeyPairSync } from 'node:crypto';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { apiKeysPath, ApiKeysScreen } from '../fixtures/api-keys.ts';
import {
  forbidden,
  InvitationPage,
  invitationsPath,
  InvitationsScreen,
  membersPath,
  MembersScreen,
  organizationPath,
  OrganizationScreen,
  projectsPath,
  ProjectsScreen,
} from '../fixtures/organization.ts';
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
import { CLUSTER, ResourceScreen, ResourcesScreen, usagePath } from '../fixtures/resources.ts';
import { expect, test } from '../fixtures/test.ts';

/** WCAG 2.2, A and AA, with all that came before it. */
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** Those of its rules that look at colours: axe's category `cat.color`. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** A public key as OpenSSH writes it (RFC 8709): nobody has its private half. */
function publicKey(): string {
  const part = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const { publicKey: key } = generateKeyPairSync('ed25519');
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(-32);
  return Buffer.concat([part(Buffer.from('ssh-ed25519')), part(raw)]).toString('base64');
}

/**
 * Finds nothing wrong with the page as it is now: in light and dark, wide and narrow; and nothing sticks out at 320
 * pixels. Dark and light differ in colours alone (`light-dark()` in style/tokens.css): in dark, only those are judged.
 */
async function expectAccessible(page: Page, state: string): Promise<void> {
  const size = page.viewportSize();
  // Colours that are on their way to another are not judged.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const axe = new AxeBuilder({ page }).setLegacyMode();
      const found = await (colorScheme === 'light' ? axe.withTags(STANDARD) : axe.withRules(OF_COLOURS)).analyze();
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
  // Two scans for every state, and two for its colours.
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

  test('on resources and usage', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const { manager, member, open } = tenant;
    await tenant.add(open, member);
    const long = 'Maximiliane-Wilhelmine-von-und-zu-Hohenstein-Oberwaldingen-Unterhausen-with-checkpoints';
    const id = await tenant.addResource(open, manager, 'cluster', long, { state: 'failed', details: CLUSTER });
    for (const [nth, kind] of [
      'cluster',
      'volume',
      'model',
      'endpoint',
      'evaluation',
      'file',
      'playground',
      'other',
    ].entries()) {
      await tenant.addUsage(open, nth, kind, 'requests', 1_000_000, 123_456.78 * (nth + 1));
    }
    const page = await as(manager);
    await visit(page, projectPath(open));
    await expectAccessible(page, 'overview with resources');
    const list = await ResourcesScreen.open(page, open, 'clusters');
    await expectAccessible(page, 'clusters');
    await list.createButton.click();
    await list.create.click();
    await expectFieldError(list.field('Name'), /Enter a name/);
    await expectAccessible(page, 'a cluster to be created, with an error');
    const one = await ResourceScreen.open(page, open, 'clusters', id, long);
    await expectAccessible(page, 'a cluster');
    await one.deleteButton.click();
    await expect(one.deleteDialog(long)).toBeVisible();
    await expectAccessible(page, 'a cluster to be deleted');
    await visit(page, `${usagePath(open)}?days=90`);
    await expectAccessible(page, 'usage');
    await visit(page, usagePath(tenant.defaultProject));
    await expectAccessible(page, 'no usage');
    const reading = await as(member);
    await ResourceScreen.open(reading, open, 'clusters', id, long);
    await expectAccessible(reading, 'a cluster, for a Member');
    await ResourcesScreen.open(reading, open, 'volumes');
    await expectAccessible(reading, 'no volumes, for a Member');
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

  test('on the API keys, their dialogs, and what a removal says of them', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    await tenant.add(tenant.open, tenant.member);
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await expectAccessible(screen.page, 'no API keys');
    await screen.createButton.click();
    await expectAccessible(screen.page, 'create dialog');
    await screen.name.fill('CI');
    await screen.expiration.choose('2001-02-03');
    await screen.create.click();
    await expectFieldError(screen.expiration.date, /Enter a date/);
    await expectAccessible(screen.page, 'create dialog with an error');
    await screen.name.fill('The program that deploys what was built at night');
    await screen.reach.selectOption('manage');
    await screen.expiration.choose('7 days');
    await screen.create.click();
    await screen.readSecret();
    await expectAccessible(screen.page, 'a new secret');
    await screen.done.click();
    await tenant.addKey(tenant.open, tenant.member, 'Expired', { expiresAt: '2020-01-01' });
    await tenant.addKey(tenant.open, tenant.member, 'Revoked');
    await tenant.endKeys(tenant.open, 'Revoked', 'revoked_at');
    await tenant.addKey(tenant.open, tenant.member, 'Nightly', { expiresAt: '2999-01-01' });
    await ApiKeysScreen.open(screen.page, tenant.open);
    await expectAccessible(screen.page, 'API keys');
    for (const action of ['Set expiration', 'Rotate', 'Revoke'] as const) {
      await screen.button('Nightly', action).click();
      await expect(screen.page.getByRole('dialog')).toBeVisible();
      await expectAccessible(screen.page, `dialog ${action}`);
      await screen.page.keyboard.press('Escape');
    }
    await ApiKeysScreen.open(screen.page, tenant.open, '?q=no-such-key');
    await expectAccessible(screen.page, 'no API key found');
    const owner = await ApiKeysScreen.open(await as(tenant.owner), tenant.defaultProject);
    await expectAccessible(owner.page, 'the default key');

    const people = await CollaboratorsScreen.open(screen.page, tenant.open);
    await people.choose(tenant.member, 'Remove User');
    await expect(people.removeDialog(tenant.member).getByRole('checkbox')).toHaveCount(1);
    await expectAccessible(people.page, 'remove dialog with keys');
    await people.removeDialog(tenant.member).getByRole('button', { name: 'Remove User' }).click();
    await expect(people.page.getByRole('region', { name: 'was removed' })).toBeVisible();
    await expectAccessible(people.page, 'a receipt');
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

  test('on the members, however they are searched, and their dialogs', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    await tenant.addCrowd(tenant.closed, 60);
    const long = await tenant.person('Maximiliane-Wilhelmine von und zu Hohenstein-Oberwaldingen-Unterhausen');
    await tenant.join(long, 'admin');
    await tenant.invite(tenant.address('invited-by-somebody-with-a-long-name'), long);
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization, '?role=admin');
    await expectAccessible(screen.page, 'members');
    await screen.openMenu(tenant.owner);
    await expectAccessible(screen.page, 'menu of the Owner');
    await screen.page.keyboard.press('Escape');
    await screen.openMenu(long);
    await expectAccessible(screen.page, 'menu of a member');
    await screen.page.keyboard.press('Escape');
    await screen.choose(long, 'Remove Member');
    await expect(screen.removeDialog(long)).toBeVisible();
    await expectAccessible(screen.page, 'remove member dialog');
    await screen.page.keyboard.press('Escape');
    await MembersScreen.open(screen.page, tenant.organization, '?q=nobody-is-called-this');
    await expectAccessible(screen.page, 'no member found');
    const member = await MembersScreen.open(await as(tenant.member), tenant.organization);
    await member.page.getByRole('link', { name: 'Next page' }).click();
    await expect(member.row(tenant.owner)).toBeVisible();
    await expectAccessible(member.page, 'members as a Member, last page');
  });

  test('on the invitations and their dialogs', async ({ as, guard, tenant }) => {
    guard.allowStatus(403, 422);
    const page = await as(tenant.admin);
    const screen = await InvitationsScreen.open(page, tenant.organization);
    await expectAccessible(page, 'no invitations');
    await screen.inviting.button.click();
    await expectAccessible(page, 'invite dialog');
    await screen.inviting.email.fill('not-an-address');
    await screen.inviting.send.click();
    await expectFieldError(screen.inviting.email, /Enter an email address/);
    await expectAccessible(page, 'invite dialog with an error');
    await screen.inviting.email.fill(`${tenant.address('nina')} ${tenant.address('omar')} not-an-address`);
    await screen.inviting.send.click();
    await expect(screen.inviting.done).toBeVisible();
    await expectAccessible(page, 'invite dialog with verdicts');
    await screen.inviting.done.click();
    await tenant.lapse(tenant.address('omar'));
    await InvitationsScreen.open(page, tenant.organization);
    await expect(screen.people).toHaveCount(2);
    await expectAccessible(page, 'invitations, pending and expired');
    await screen.resendButton(tenant.address('omar')).click();
    await expect(screen.sentAgain).toBeVisible();
    await expectAccessible(page, 'sent again dialog');
    const member = await as(tenant.member);
    await visit(member, invitationsPath(tenant.organization));
    await expect(forbidden(member)).toBeVisible();
    await expectAccessible(member, 'forbidden');
  });

  test('on what an invitation’s link leads to, for everybody it may lead', async ({ as, browse, guard, tenant }) => {
    guard.allowStatus(404, 410);
    const [page, email] = [await browse(), tenant.address('nina')];
    const link = await tenant.invite(email);
    const invitation = await InvitationPage.open(page, link, tenant.organization);
    await expectAccessible(page, 'invitation of somebody new');
    await invitation.acceptAs('', 'short');
    await expect(page.locator('[aria-invalid]')).not.toHaveCount(0);
    await expectAccessible(page, 'invitation of somebody new with an error');
    await InvitationPage.open(page, await tenant.invite(tenant.outsider.email), tenant.organization);
    await expectAccessible(page, 'invitation of somebody signed out');
    const another = await as(tenant.outsider);
    await InvitationPage.open(another, link, tenant.organization);
    await expectAccessible(another, 'invitation of somebody else');
    await tenant.lapse(email);
    await InvitationPage.open(page, link, tenant.organization);
    await expectAccessible(page, 'invitation that expired');
    await visit(page, '/invitations/none');
    await expectAccessible(page, 'link that leads nowhere');
    await visit(page, '/forgot-password');
    await expectAccessible(page, 'forgotten password without mail');
    await visit(page, '/reset-password/none');
    await expectAccessible(page, 'dead link to a new password');
  });

  test('on the organization’s settings, as its Owner and as a Member', async ({ as, guard, tenant }) => {
    guard.allowStatus(409, 422);
    const screen = await OrganizationScreen.open(await as(tenant.owner), tenant.organization);
    await expectAccessible(screen.page, 'organization');
    await screen.slug.fill('no slug');
    await screen.save.click();
    await expectFieldError(screen.slug, /Use 3 to 63/);
    await screen.transfer.getByRole('button', { name: 'Transfer ownership' }).click();
    await expect(screen.transfer.locator('[aria-invalid]')).toBeVisible();
    await screen.deletion.getByRole('button', { name: 'Delete organization' }).click();
    await expect(screen.deletion.getByRole('alert')).not.toBeEmpty();
    await expectAccessible(screen.page, 'organization with errors');
    const member = await as(tenant.member);
    await visit(member, organizationPath(tenant.organization));
    await expectAccessible(member, 'organization as a Member');
  });

  test('on the organization’s projects, and the dialog to create one', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const screen = await ProjectsScreen.open(await as(tenant.admin), tenant.organization);
    await expectAccessible(screen.page, 'projects');
    await screen.createButton.click();
    await screen.dialog.getByText('How do others split').click();
    await expectAccessible(screen.page, 'create project dialog');
    await screen.create.click();
    await expect(screen.dialog.locator('[aria-invalid]')).not.toHaveCount(0);
    await expectAccessible(screen.page, 'create project dialog with an error');
    await tenant.database.query('UPDATE organizations SET additional_projects = false WHERE id = $1', [
      tenant.organization.id,
    ]);
    await ProjectsScreen.open(screen.page, tenant.organization);
    await expectAccessible(screen.page, 'projects, switched off');
    await ProjectsScreen.open(screen.page, tenant.organization, '?q=none-is-called-this');
    await expectAccessible(screen.page, 'no project found');
    const member = await ProjectsScreen.open(await as(tenant.member), tenant.organization);
    await expectAccessible(member.page, 'projects as a Member');
  });

  test('on the person’s sessions, SSH keys and empty console', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const page = await as(tenant.member);
    await as(tenant.member);
    await visit(page, '/settings/sessions');
    await expectAccessible(page, 'sessions');
    await visit(page, '/settings/ssh-keys');
    await expectAccessible(page, 'no SSH keys');
    const key = page.getByRole('textbox', { name: 'Public key' });
    await key.fill('not a key');
    await page.getByRole('button', { name: 'Add SSH key' }).click();
    await expectFieldError(key, /This isn’t an SSH public key/);
    await expectAccessible(page, 'SSH keys with an error');
    await key.fill(`ssh-ed25519 ${publicKey()} noah@a-machine-with-a-rather-long-name-in-a-rather-long-domain`);
    await page.getByRole('button', { name: 'Add SSH key' }).click();
    await expect(page.getByRole('table', { name: 'SSH keys' })).toBeVisible();
    await expectAccessible(page, 'SSH keys');
    const nobody = await as(await tenant.person('Ned Nowhere'));
    await visit(nobody, '/');
    await expect(nobody.getByRole('heading', { name: 'No projects yet' })).toBeVisible();
    await expectAccessible(nobody, 'no projects');
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

test(
  'N2: names that are long or of another script break nothing at 320 pixels',
  { tag: '@scripts' },
  async ({ as, tenant }) => {
    test.slow();
    const names = ['W'.repeat(100), 'محمد بن عبد الله الأنصاري', '👩🏽‍🔬 Dr. Ada 🦀', 'Ω'.repeat(60)];
    let last = tenant.member;
    for (const name of names) {
      last = await tenant.person(name);
      await tenant.join(last, 'admin');
      await tenant.add(tenant.open, last);
    }
    const invitation = await tenant.invite(`${'w'.repeat(64)}@${'w'.repeat(60)}.${tenant.tag}.test`, last);
    await tenant.renameProject(tenant.open, 'P'.repeat(100));
    await tenant.renameOrganization('O'.repeat(100));
    const key = await tenant.addKey(tenant.open, last, 'K'.repeat(100), { reach: 'manage', expiresAt: '2999-01-01' });
    const page = await as(tenant.owner);
    for (const width of [320, 360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of [
        ...[projectPath, settingsPath, collaboratorsPath, apiKeysPath].map((path) => path(tenant.open)),
        `${apiKeysPath(tenant.open)}?dialog=revoke&key=${key}`,
        ...[organizationPath, membersPath, invitationsPath, projectsPath].map((path) => path(tenant.organization)),
        `${membersPath(tenant.organization)}?dialog=remove&user=${last.id}`,
        '/settings/profile',
        invitation,
      ]) {
        await visit(page, path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect.soft(overflow, `${path} at ${width}`).toBeLessThanOrEqual(0);
      }
    }
  },
);
