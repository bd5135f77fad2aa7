import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';

import {
  forbidden,
  InvitationPage,
  invitationsPath,
  MembersScreen,
  membersPath,
  organizationPath,
  projectsPath,
} from '../fixtures/organization.ts';
import { awake, collaboratorsPath, notFound, notice, projectPath, settingsPath, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

test.describe('the list', () => {
  test('O3 R2: every member reads it, with roles and the Owner; a Member is offered only to leave @scripts', async ({
    as,
    tenant,
  }) => {
    const { owner, admin, manager, member } = tenant;
    const screen = await MembersScreen.open(await as(member), tenant.organization, `?dialog=remove&user=${manager.id}`);
    // The dialog of a link does not open for them.
    await expect(screen.page.getByRole('dialog', { name: /^Remove/ })).toBeHidden();
    await screen.expectPeople(admin, manager, member, owner);
    for (const [person, role] of [
      [owner, 'Admin Owner'],
      [admin, 'Admin'],
      [manager, 'Member'],
      [member, 'Member'],
    ] as const) {
      await expect(screen.row(person)).toContainText(person.email);
      await expect(screen.row(person).getByRole('cell').nth(1)).toHaveText(role);
      await expect(screen.row(person).getByRole('time').first()).toHaveAttribute(
        'datetime',
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
      );
    }
    await expect(screen.row(manager)).toContainText(`invited by ${owner.name}`);
    await expect(screen.inviting.button).toBeHidden();
    await expect(screen.page.getByRole('button', { name: /^Actions for/ })).toHaveCount(1);
    const menu = await screen.openMenu(member);
    await expect(menu.getByRole('menuitem')).toHaveText(['Leave Organization']);
  });

  test('X3 P3: an external gets 404 for it @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.outsider, { role: 'admin' });
    const page = await as(tenant.outsider);
    for (const path of [organizationPath, membersPath, invitationsPath, projectsPath]) {
      expect(await visit(page, path(tenant.organization)), path(tenant.organization)).toBe(404);
      await expect(notFound(page)).toBeVisible();
      await expect(page.getByRole('main')).not.toContainText(tenant.organization.name);
    }
    // Nor does the frame lead there.
    await visit(page, projectPath(tenant.open));
    const navigation = page.getByRole('navigation', { name: 'Main' });
    await expect(navigation.getByRole('link')).toHaveText([
      'Overview',
      'Usage',
      'Project settings',
      'Collaborators',
      'API keys',
    ]);
  });

  test('C10: it searches names and addresses, and takes % and _ for what they are @scripts', async ({ as, tenant }) => {
    const percent = await tenant.person('100% Percy');
    await tenant.join(percent);
    const screen = await MembersScreen.open(await as(tenant.member), tenant.organization);
    await screen.find('ADAM adm');
    await screen.expectPeople(tenant.admin);
    await expect(screen.page).toHaveURL(/[?&]q=ADAM(\+|%20)adm(&|$)/);
    await screen.find(tenant.owner.email.toUpperCase());
    await screen.expectPeople(tenant.owner);
    await screen.find('%');
    await screen.expectPeople(percent);
    await screen.find('_');
    await expect(screen.page.getByRole('heading', { name: 'Nobody found' })).toBeVisible();
    await screen.page.getByRole('link', { name: 'Show everyone' }).click();
    await expect(screen.people).toHaveCount(5);
    await expect(screen.search).toHaveValue('');
  });

  test('C10: it filters by role, sorts by each column either way, and the URL holds it all for another person', async ({
    as,
    tenant,
  }) => {
    const { owner, admin, manager, member } = tenant;
    await tenant.database.query(
      `UPDATE members SET added_at = added_at + CASE user_id WHEN $2 THEN interval '1 day' WHEN $3 THEN interval '2 days' ELSE interval '0' END
       WHERE organization_id = $1`,
      [tenant.organization.id, owner.id, admin.id],
    );
    const screen = await MembersScreen.open(await as(admin), tenant.organization);
    const header = (name: string) => screen.page.getByRole('columnheader', { name });
    await screen.filter('Role', 'Member');
    await screen.expectPeople(manager, member);
    await expect(screen.page).toHaveURL(/role=member/);
    await screen.sortBy('Person');
    await expect(header('Person')).toHaveAttribute('aria-sort', 'descending');
    await screen.expectPeople(member, manager);
    const shared = screen.page.url();
    await screen.filter('Role', 'Any role');
    await screen.expectPeople(owner, member, manager, admin);
    await screen.sortBy('Member since');
    await expect(header('Member since')).toHaveAttribute('aria-sort', 'ascending');
    await screen.expectPeople(manager, member, owner, admin);
    await screen.sortBy('Member since');
    await screen.expectPeople(admin, owner, member, manager);
    await screen.sortBy('Role');
    await expect(header('Role')).toHaveAttribute('aria-sort', 'ascending');
    await screen.expectPeople(admin, owner, manager, member);

    const other = await as(member);
    await visit(other, shared);
    const copy = new MembersScreen(other, tenant.organization);
    await copy.expectPeople(member, manager);
    await expect(other.getByRole('combobox', { name: 'Role' })).toHaveValue('member');
  });

  test('C10: 120 people are exported at once, and paged; nobody is missed or seen twice', async ({ as, tenant }) => {
    await tenant.addCrowd(tenant.closed, 120);
    const screen = await MembersScreen.open(await as(tenant.member), tenant.organization);
    await test.step('as a file', async () => {
      const { admin, owner } = tenant;
      const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
      const { name, lines } = await download(screen.page);
      expect(name).toBe(`${tenant.organization.slug}-members.csv`);
      expect(lines).toHaveLength(125);
      expect(lines[0]).toBe('name,email,role,owner,invited_by,member_since');
      expect(lines.at(-1)).toMatch(new RegExp(`^${owner.name},${owner.email},admin,owner,,${time}$`));
      expect(lines[1]).toContain(`${admin.name},${admin.email},admin,,${owner.name},`);
    });

    const seen: string[] = [];
    for (const expected of [50, 50, 24]) {
      await expect(screen.people).toHaveCount(expected);
      seen.push(...(await screen.people.locator('.person-name bdi').allTextContents()));
      if (expected === 50) {
        const first = await screen.people.first().textContent();
        await screen.page.getByRole('link', { name: 'Next page' }).click();
        await expect(screen.people.first()).not.toHaveText(first ?? '');
      }
    }
    expect(new Set(seen).size).toBe(124);
    expect(seen).toEqual([...seen].sort((a, b) => a.localeCompare(b)));
    await expect(screen.page.getByRole('link', { name: 'Next page' })).toBeHidden();
    await screen.page.goBack();
    await expect(screen.people).toHaveCount(50);
    await screen.page.getByRole('link', { name: 'First page' }).click();
    await expect(screen.row(tenant.admin)).toBeVisible();
  });
});

/** Follows a link to a file; answers its name and its lines. */
async function download(page: Page): Promise<{ name: string; lines: string[] }> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export CSV' }).click(),
  ]);
  const text = await readFile(await file.path(), 'utf8');
  // Without the mark Excel shows JÃ¶rg.
  expect(text.startsWith('\uFEFF')).toBe(true);
  return { name: file.suggestedFilename(), lines: text.slice(1).trimEnd().split(/\r?\n/) };
}

test.describe('the list as a file', () => {
  test('C10: it is what is shown: the search, the filter and the order', async ({ as, tenant }) => {
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization, '?q=a&role=member&order=desc');
    await screen.expectPeople(tenant.member, tenant.manager);
    await screen.find('MAYA');
    await screen.expectPeople(tenant.manager);
    expect((await download(screen.page)).lines.slice(1).map((line) => line.split(',')[0])).toEqual([
      tenant.manager.name,
    ]);
    await MembersScreen.open(screen.page, tenant.organization, '?role=member&order=desc');
    expect((await download(screen.page)).lines.slice(1).map((line) => line.split(',')[0])).toEqual([
      tenant.member.name,
      tenant.manager.name,
    ]);
  });

  test('C10: no name becomes a formula or breaks its row @scripts', async ({ as, tenant }) => {
    await tenant.rename(tenant.member, '=HYPERLINK("http://evil.test","x"), 1');
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization, '?q=hyperlink');
    await expect(screen.people).toHaveCount(1);
    const { lines } = await download(screen.page);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`"'=HYPERLINK(""http://evil.test"",""x""), 1",${tenant.member.email},`);
  });

  test('C10: a file is for those who see the list; who is signed out signs in first @scripts', async ({
    as,
    page,
    tenant,
  }) => {
    const path = `${membersPath(tenant.organization)}.csv`;
    await page.goto(path);
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    expect((await (await as(tenant.outsider)).request.get(path)).status()).toBe(404);
    const mine = await (await as(tenant.member)).request.get(path);
    expect(mine.headers()['content-type']).toBe('text/csv; charset=utf-8');
    expect(mine.headers()['cache-control']).toBe('no-store');
  });
});

test.describe('roles', () => {
  test('M6: an Admin promotes and demotes, and it acts on the next request', async ({ as, guard, tenant }) => {
    guard.allowStatus(403);
    const promoted = await as(tenant.member);
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await screen.choose(tenant.member, 'Make Admin');
    await expect(notice(screen.page, `${tenant.member.name} is now an Admin of the organization.`)).toBeVisible();
    await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin');

    // C4: an Admin of every project, without being added.
    await visit(promoted, projectPath(tenant.closed));
    await expect(promoted.getByRole('heading', { name: tenant.closed.name, level: 1 })).toBeVisible();
    await visit(promoted, invitationsPath(tenant.organization));
    await expect(promoted.getByRole('heading', { name: 'Invitations', level: 1 })).toBeVisible();

    await screen.choose(tenant.member, 'Make Member');
    await expect(notice(screen.page, `${tenant.member.name} is now a Member of the organization.`)).toBeVisible();
    await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Member');
    expect(await visit(promoted, invitationsPath(tenant.organization))).toBe(403);
    await expect(forbidden(promoted)).toBeVisible();
  });

  test('M6: an Admin may demote themselves, and then may change nothing more @scripts', async ({ as, tenant }) => {
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await screen.choose(tenant.admin, 'Make Member');
    await expect(screen.row(tenant.admin).getByRole('cell').nth(1)).toHaveText('Member');
    await expect(screen.inviting.button).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeHidden();
  });

  test('W1: the Owner cannot be demoted or removed, and the menu says why @scripts', async ({ as, tenant }) => {
    for (const who of [tenant.admin, tenant.owner]) {
      const screen = await MembersScreen.open(await as(who), tenant.organization);
      const menu = await screen.openMenu(tenant.owner);
      await expect(menu).toContainText(
        'The Owner of the organization stays an Admin, and can’t be removed. Ownership has to be transferred first.',
      );
      for (const action of ['Make Member', 'Remove Member', 'Leave Organization']) {
        await expect(menu.getByRole('menuitem', { name: action })).toBeHidden();
      }
      await MembersScreen.open(screen.page, tenant.organization, `?dialog=remove&user=${tenant.owner.id}`);
      await expect(screen.page.getByRole('dialog', { name: /^(Remove|Leave)/ })).toBeHidden();
    }
  });
});

test.describe('removing', () => {
  test('M6: the confirmation names the projects and invitations that end; then all ends at once @scripts', async ({
    as,
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.admin);
    const invited = tenant.address('invited');
    const link = await tenant.invite(invited, tenant.admin);
    const removed = await as(tenant.admin);
    const screen = await MembersScreen.open(await as(tenant.owner), tenant.organization);
    await screen.choose(tenant.admin, 'Remove Member');
    const dialog = screen.removeDialog(tenant.admin);
    await expect(dialog).toContainText(`Their access to ${tenant.organization.name} ends at once`);
    await expect(dialog.getByRole('list', { name: 'Projects' }).getByRole('listitem')).toHaveText([
      tenant.defaultProject.name,
      tenant.open.name,
      tenant.closed.name,
    ]);
    await expect(dialog.getByRole('list', { name: 'Invitations' }).getByRole('listitem')).toHaveText([invited]);
    await dialog.getByRole('button', { name: 'Remove Member' }).click();
    await expect(
      notice(
        screen.page,
        `${tenant.admin.name} was removed from the organization. All access to its projects ended at once.`,
      ),
    ).toBeVisible();
    await expect(screen.row(tenant.admin)).toBeHidden();
    await expect(dialog).toBeHidden();

    // P3: nothing of it is there any more, and they are no External Collaborator by it.
    for (const path of [
      membersPath(tenant.organization),
      organizationPath(tenant.organization),
      projectPath(tenant.defaultProject),
      projectPath(tenant.open),
      settingsPath(tenant.open),
      collaboratorsPath(tenant.closed),
    ]) {
      expect(await visit(removed, path), path).toBe(404);
      await expect(notFound(removed)).toBeVisible();
    }
    expect(await tenant.role(tenant.open, tenant.admin)).toBeNull();
    await visit(removed, '/');
    await expect(removed.getByRole('heading', { name: 'No projects yet' })).toBeVisible();
    const invitation = await InvitationPage.open(await browse(), link, tenant.organization);
    await expect(invitation.accept).toBeHidden();
  });

  test('M6: Cancel removes nobody; a double click on Remove Member removes once, and tells once @scripts', async ({
    as,
    tenant,
  }) => {
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await screen.choose(tenant.member, 'Remove Member');
    const dialog = screen.removeDialog(tenant.member);
    await expect(dialog.getByRole('list', { name: 'Projects' }).getByRole('listitem')).toHaveText([
      tenant.defaultProject.name,
    ]);
    await expect(dialog.getByRole('list', { name: 'Invitations' })).toBeHidden();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
    expect(await tenant.memberRole(tenant.member.email)).toBe('member');

    await screen.choose(tenant.member, 'Remove Member');
    await dialog.getByRole('button', { name: 'Remove Member' }).dblclick();
    await expect(dialog).toBeHidden();
    await expect(screen.row(tenant.member)).toBeHidden();
    await expect(notice(screen.page, `${tenant.member.name} was removed`)).toBeVisible();
    expect(await tenant.timesDoneInOrganization('member:remove')).toBe(1);
  });

  test('M6: removing somebody whom another Admin removed meanwhile says so @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await screen.choose(tenant.member, 'Remove Member');
    await expect(screen.removeDialog(tenant.member)).toBeVisible();
    await tenant.expel(tenant.member);
    await screen.removeDialog(tenant.member).getByRole('button', { name: 'Remove Member' }).click();
    await expect(
      notice(screen.page, 'This person isn’t a member of the organization any more. Nothing was changed.'),
    ).toBeVisible();
    await expect(screen.row(tenant.member)).toBeHidden();
  });

  test('M6: a link to the confirmation opens it for somebody on a later page, too @scripts', async ({ as, tenant }) => {
    await tenant.addCrowd(tenant.closed, 60);
    const last = await tenant.person('Zoe Zuletzt');
    await tenant.join(last);
    const screen = await MembersScreen.open(
      await as(tenant.admin),
      tenant.organization,
      `?dialog=remove&user=${last.id}`,
    );
    await screen.removeDialog(last).getByRole('button', { name: 'Remove Member' }).click();
    await expect(notice(screen.page, `${last.name} was removed`)).toBeVisible();
    expect(await tenant.memberRole(last.email)).toBeNull();
  });

  for (const where of ['members', 'organization', 'projects', 'project'] as const) {
    test(`E5 M6: somebody removed while looking at the ${where} is told at once @scripts`, async ({
      as,
      guard,
      tenant,
    }) => {
      guard.allowStatus(404);
      const looking = await as(tenant.member);
      const path = {
        members: membersPath(tenant.organization),
        organization: organizationPath(tenant.organization),
        projects: projectsPath(tenant.organization),
        project: projectPath(tenant.defaultProject),
      }[where];
      await visit(looking, path);
      await expect(looking.getByRole('main')).toContainText(tenant.organization.name);
      const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
      await screen.remove(tenant.member);
      await expect(notice(screen.page, 'was removed from the organization')).toBeVisible();
      const what = where === 'project' ? 'project' : 'organization';
      await expect(looking.getByRole('heading', { name: `Your access to this ${what} has ended` })).toBeVisible({
        timeout: 2_000,
      });
      await expect(looking.getByRole('main')).not.toContainText(tenant.organization.name);
      await looking.getByRole('link', { name: 'Go to your projects' }).click();
      await expect(looking.getByRole('heading', { name: 'No projects yet' })).toBeVisible();
    });
  }
});

test.describe('leaving', () => {
  test('M8: a member leaves, is told, and the organization is gone for them', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    const screen = await MembersScreen.open(await as(tenant.manager), tenant.organization);
    await screen.choose(tenant.manager, 'Leave Organization');
    const dialog = screen.leaveDialog();
    await expect(dialog.getByRole('list', { name: 'Projects' }).getByRole('listitem')).toHaveText([
      tenant.defaultProject.name,
      tenant.open.name,
    ]);
    await dialog.getByRole('button', { name: 'Leave Organization' }).click();
    await expect(notice(screen.page, 'You left the organization.')).toBeVisible();
    await awake(screen.page);
    expect(await tenant.memberRole(tenant.manager.email)).toBeNull();
    expect(await visit(screen.page, membersPath(tenant.organization))).toBe(404);
    expect(await visit(screen.page, projectPath(tenant.open))).toBe(404);
  });

  test('M8: an Admin leaves as well, to their other organization @scripts', async ({ as, tenant }) => {
    await tenant.join(tenant.outsider, 'admin');
    const screen = await MembersScreen.open(await as(tenant.outsider), tenant.organization);
    await screen.choose(tenant.outsider, 'Leave Organization');
    await screen.leaveDialog().getByRole('button', { name: 'Leave Organization' }).click();
    await expect(notice(screen.page, 'You left the organization.')).toBeVisible();
    await expect(
      screen.page.getByRole('button', { name: `Organization: Partner ${tenant.tag}. Switch organization` }),
    ).toBeVisible();
    expect(await tenant.memberRole(tenant.outsider.email)).toBeNull();
  });

  test('M8: news of one’s own leaving that overtake its answer do not hide it @scripts', async ({ as, tenant }) => {
    await tenant.join(tenant.outsider);
    const screen = await MembersScreen.open(await as(tenant.outsider), tenant.organization);
    await screen.page.route('**/api/remove_member', async (route) => {
      const response = await route.fetch();
      await screen.page.waitForTimeout(700);
      await route.fulfill({ response });
    });
    await screen.choose(tenant.outsider, 'Leave Organization');
    await screen.leaveDialog().getByRole('button', { name: 'Leave Organization' }).click();
    await expect(notice(screen.page, 'You left the organization.')).toBeVisible();
  });
});

test.describe('two browsers', { tag: '@scripts' }, () => {
  test('what one Admin changes and removes, the other sees without a reload', async ({ as, tenant }) => {
    const one = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    const other = await MembersScreen.open(await as(tenant.owner), tenant.organization);
    await other.page.evaluate(() => document.body.setAttribute('data-not-reloaded', ''));
    await one.choose(tenant.member, 'Make Admin');
    await expect(other.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin', { timeout: 2_000 });
    await one.remove(tenant.member);
    await expect(other.row(tenant.member)).toBeHidden({ timeout: 2_000 });
    await expect(other.page.locator('body[data-not-reloaded]')).toBeAttached();
    await expect(other.page.getByRole('main').getByRole('status')).toHaveText(['', '']);
  });

  test('a menu that is open stays open, and the focus in it, when the list changes', async ({ as, tenant }) => {
    const one = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    const other = await MembersScreen.open(await as(tenant.owner), tenant.organization);
    const menu = await other.openMenu(tenant.member);
    await expect(menu.getByRole('menuitem').first()).toBeFocused();
    await one.remove(tenant.manager);
    await expect(other.row(tenant.manager)).toBeHidden({ timeout: 2_000 });
    await expect(menu.getByRole('menuitem').first()).toBeFocused();
    await menu.getByRole('menuitem', { name: 'Make Admin' }).click();
    await expect(notice(other.page, `${tenant.member.name} is now an Admin of the organization.`)).toBeVisible();
  });

  test('O3: somebody made an Admin while looking may act without a reload', async ({ as, tenant }) => {
    const looking = await MembersScreen.open(await as(tenant.member), tenant.organization);
    const navigation = looking.page.getByRole('navigation', { name: 'Main' });
    const admin = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await admin.choose(tenant.member, 'Make Admin');
    await expect(looking.inviting.button).toBeVisible({ timeout: 2_000 });
    await expect(navigation.getByRole('link', { name: 'Invitations' })).toBeVisible();
    await expect(looking.menuButton(tenant.manager)).toBeVisible();
    await admin.choose(tenant.member, 'Make Member');
    await expect(looking.inviting.button).toBeHidden({ timeout: 2_000 });
    await expect(navigation.getByRole('link', { name: 'Invitations' })).toBeHidden();
  });
});
