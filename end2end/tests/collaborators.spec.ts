import {
  awake,
  collaboratorsPath,
  CollaboratorsScreen,
  expectFieldError,
  hasScripts,
  notFound,
  notice,
  projectPath,
  ProjectSelector,
  settingsPath,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

test.describe('the list', () => {
  test('C1: it names everybody with access, what they are and why @scripts', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    await tenant.add(tenant.open, tenant.outsider, { role: 'admin' });
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);

    await screen.expectPeople(tenant.admin, tenant.outsider, tenant.manager, tenant.member, tenant.owner);
    for (const [person, role, why] of [
      [tenant.owner, 'Admin', 'Owner of the organization'],
      [tenant.admin, 'Admin', 'Organization Admin'],
      [tenant.manager, 'Admin', `Added by ${tenant.owner.name}`],
      [tenant.member, 'Member', `Added by ${tenant.owner.name}`],
      [tenant.outsider, 'Admin', 'External'],
    ] as const) {
      const row = screen.row(person);
      await expect(row).toContainText(person.email);
      await expect(row.getByRole('cell').nth(1)).toHaveText(role);
      await expect(row.getByRole('cell').nth(2)).toContainText(why);
      await expect(row.getByRole('time').first()).toHaveAttribute('datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });

  test('C1 R2: a Member reads it all, and is offered nothing but to leave @scripts', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open, '?dialog=add');

    await expect(screen.people).toHaveCount(4);
    await expect(screen.addButton).toBeHidden();
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.page.getByRole('button', { name: /^Actions for/ })).toHaveCount(1);
    const menu = await screen.openMenu(tenant.member);
    await expect(menu.getByRole('menuitem')).toHaveText(['Leave Project']);
  });

  test('C10: it searches, filters and sorts @scripts', async ({ as, tenant }) => {
    const { admin, manager, member, outsider, owner } = tenant;
    const percent = await tenant.person('100% Percy');
    await tenant.join(percent);
    for (const person of [percent, member, outsider]) {
      await tenant.add(tenant.open, person);
    }
    const screen = await CollaboratorsScreen.open(await as(manager), tenant.open);

    await test.step('names and addresses, whatever the case, and % and _ for what they are', async () => {
      await screen.find('ADAM adm');
      await screen.expectPeople(admin);
      await expect(screen.page).toHaveURL(/[?&]q=ADAM(\+|%20)adm(&|$)/);
      await screen.find(owner.email.toUpperCase());
      await screen.expectPeople(owner);
      await screen.find('%');
      await screen.expectPeople(percent);
      await screen.find('_');
      await expect(screen.page.getByRole('heading', { name: 'Nobody found' })).toBeVisible();
      await screen.page.getByRole('link', { name: 'Show everyone' }).click();
      await expect(screen.people).toHaveCount(6);
      await expect(screen.search).toHaveValue('');
    });

    await test.step('by role and kind', async () => {
      await screen.filter('Role', 'Member');
      await screen.expectPeople(percent, outsider, member);
      await screen.filter('Kind', 'Externals');
      await screen.expectPeople(outsider);
      await expect(screen.page).toHaveURL(/role=member.*kind=external|kind=external.*role=member/);
      await screen.filter('Role', 'Any role');
      await screen.filter('Kind', 'Organization Admins');
      await screen.expectPeople(admin, owner);
      await screen.filter('Kind', 'Organization members');
      await screen.expectPeople(percent, manager, member);
    });

    await test.step('by each column, either way, and keeps the search', async () => {
      await CollaboratorsScreen.open(screen.page, tenant.open, '?q=m');
      const header = (name: string) => screen.page.getByRole('columnheader', { name });
      // With an m in name or address: Adam Admin, Maya Manager, Noah Newcomer.
      await screen.expectPeople(admin, manager, member);
      await expect(header('Person')).toHaveAttribute('aria-sort', 'ascending');
      await screen.sortBy('Person');
      await expect(header('Person')).toHaveAttribute('aria-sort', 'descending');
      await screen.expectPeople(member, manager, admin);
      await screen.sortBy('Role');
      await expect(header('Role')).toHaveAttribute('aria-sort', 'ascending');
      await screen.expectPeople(admin, manager, member);
      await screen.sortBy('Role');
      await screen.expectPeople(member, manager, admin);
      await screen.sortBy('Access');
      await expect(header('Access')).toHaveAttribute('aria-sort', 'ascending');
      await screen.expectPeople(admin, manager, member);
      await expect(screen.page).toHaveURL(/q=m/);
      await expect(screen.page).toHaveURL(/sort=added/);
    });
  });

  test('C10: 120 people are paged, nobody missed or seen twice, and the back button goes back a page @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.addCrowd(tenant.closed, 120);
    const screen = await CollaboratorsScreen.open(await as(tenant.owner), tenant.closed);
    const seen: string[] = [];
    for (const expected of [50, 50, 22]) {
      await expect(screen.people).toHaveCount(expected);
      seen.push(...(await screen.people.locator('.person-name bdi').allTextContents()));
      if (expected === 50) {
        const first = await screen.people.first().textContent();
        await screen.page.getByRole('link', { name: 'Next page' }).click();
        await expect(screen.people.first()).not.toHaveText(first ?? '');
      }
    }
    expect(new Set(seen).size).toBe(122);
    expect(seen).toEqual([...seen].sort((a, b) => a.localeCompare(b)));
    await expect(screen.page.getByRole('link', { name: 'Next page' })).toBeHidden();
    await screen.page.goBack();
    await expect(screen.people).toHaveCount(50);
    await screen.page.goForward();
    await expect(screen.people).toHaveCount(22);
    await screen.page.getByRole('link', { name: 'First page' }).click();
    await expect(screen.people).toHaveCount(50);
    await expect(screen.row(tenant.admin)).toBeVisible();
  });

  test('C10: the URL holds search, filters, order, page and dialog, for another person to open', async ({
    as,
    tenant,
  }) => {
    await tenant.addCrowd(tenant.closed, 60);
    const screen = await CollaboratorsScreen.open(await as(tenant.owner), tenant.closed);
    await screen.find('crowd');
    await expect(screen.row({ name: 'Crowd 001' })).toBeVisible();
    await screen.filter('Role', 'Member');
    // The headings' and pages' links are those of the list that is shown: each step waits for the one before.
    await expect(screen.page).toHaveURL(/role=member/);
    await screen.sortBy('Person');
    await expect(screen.page).toHaveURL(/role=member.*order=desc|order=desc.*role=member/);
    await expect(screen.people.first()).toContainText('Crowd 060');
    await screen.page.getByRole('link', { name: 'Next page' }).click();
    await expect(screen.people).toHaveCount(10);
    await screen.addButton.click();
    await expect(screen.addDialog).toBeVisible();

    const other = await as(tenant.admin);
    await visit(other, screen.page.url());
    const copy = new CollaboratorsScreen(other, tenant.closed);
    await expect(copy.addDialog).toBeVisible();
    await expect(copy.people.first()).toContainText('Crowd 010');
    await expect(copy.people).toHaveCount(10);
    await copy.addDialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(copy.addDialog).toBeHidden();
    await expect(copy.search).toHaveValue('crowd');
    await expect(other.getByRole('combobox', { name: 'Role' })).toHaveValue('member');
    await expect(copy.people).toHaveCount(10);
  });
});

test.describe('adding', () => {
  test('C2 C4: an Admin adds a member by email, who is a Member at once and gets in', async ({ as, tenant }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.add(tenant.member.email);

    await expect(notice(screen.page, `${tenant.member.name} was added as a Member.`)).toBeVisible();
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Member');
    await expect(screen.row(tenant.member)).toContainText(`Added by ${tenant.manager.name}`);
    expect(await tenant.role(tenant.open, tenant.member)).toBe('member');

    const added = await as(tenant.member);
    await visit(added, projectPath(tenant.open));
    await expect(added.getByRole('heading', { name: tenant.open.name, level: 1 })).toBeVisible();
  });

  test('C2 C3: Cancel adds nobody, and what was typed and what was wrong with it are forgotten', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const cancel = screen.addDialog.getByRole('button', { name: 'Cancel' });
    await screen.addButton.click();
    await screen.email.fill(tenant.member.email);
    await cancel.click();
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.row(tenant.member)).toBeHidden();
    await screen.addButton.click();
    await expect(screen.email).toHaveValue('');
    expect(await tenant.role(tenant.open, tenant.member)).toBeNull();

    await screen.email.fill('not an address');
    await screen.confirm.click();
    await expectFieldError(screen.email, /Enter an email address/);
    await cancel.click();
    await expect(screen.addDialog).toBeHidden();
    await screen.addButton.click();
    await expect(screen.email).not.toHaveAttribute('aria-invalid', 'true');
    await expect(screen.email).toHaveValue('');
  });

  test('C3 N3: each error stands beside the field, and what was typed is kept', async ({ as, guard, tenant }) => {
    guard.allowStatus(409, 422);
    const screen = await CollaboratorsScreen.open(await as(tenant.owner), tenant.closed);
    const before = await tenant.snapshot(tenant.closed);
    await screen.addButton.click();
    for (const [typed, error] of [
      ['not an address', 'Enter an email address, like name@example.com.'],
      ['', 'Enter an email address, like name@example.com.'],
      [`nobody-${tenant.tag}@roster.test`, 'No account has this address'],
      [tenant.outsider.email, 'This person isn’t a member of the organization.'],
      [tenant.admin.email, 'This person already has access. Their role stayed as it was.'],
    ] as const) {
      await screen.email.fill(typed);
      await screen.confirm.click();
      await expectFieldError(screen.email, new RegExp(error));
      await expect(screen.email).toHaveValue(typed);
    }
    expect(await tenant.snapshot(tenant.closed)).toBe(before);

    // The right address at last: upper case and spaces around it do not matter.
    await screen.email.fill(`  ${tenant.member.email.toUpperCase()}  `);
    await screen.confirm.click();
    await expect(screen.row(tenant.member)).toContainText(tenant.member.email);
    await expect(screen.addDialog).toBeHidden();
  });

  test('C3: somebody who is there already keeps their role @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(409);
    const screen = await CollaboratorsScreen.open(await as(tenant.owner), tenant.open);
    await screen.add(tenant.manager.email);
    await expectFieldError(screen.email, /already has access/);
    expect(await tenant.role(tenant.open, tenant.manager)).toBe('admin');
  });

  test('a double click on Confirm adds once', async ({ as, guard, tenant }) => {
    // Without scripts the second form overtakes the first one's answer.
    guard.allow(/POST .*\/api\/add_collaborator net::ERR_ABORTED/);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.addButton.click();
    await screen.email.fill(tenant.member.email);
    await screen.confirm.dblclick();

    await expect(screen.row(tenant.member)).toHaveCount(1);
    if (hasScripts()) {
      await expect(notice(screen.page, 'was added as a Member.')).toBeVisible();
      await expect(screen.addDialog).toBeHidden();
    }
    expect(await tenant.timesDone(tenant.open, 'collaborator:add')).toBe(1);
  });

  test('the back button after adding adds nobody again', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    await visit(page, '/');
    const screen = await CollaboratorsScreen.open(page, tenant.open);
    await screen.add(tenant.member.email);
    await expect(screen.row(tenant.member)).toBeVisible();

    await screen.page.goBack();
    await screen.page.goForward();
    await screen.expectShown();
    await expect(screen.row(tenant.member)).toHaveCount(1);
    await screen.page.reload();
    await awake(screen.page);
    await expect(screen.row(tenant.member)).toHaveCount(1);
    await expect(notice(screen.page, 'was added')).toBeHidden();
    expect(await tenant.timesDone(tenant.open, 'collaborator:add')).toBe(1);
  });
});

test.describe('roles', () => {
  test('C5: an Admin promotes and demotes, and it acts on the next request', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const promoted = await as(tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);

    await screen.choose(tenant.member, 'Make Admin');
    await expect(notice(screen.page, `${tenant.member.name} is now an Admin.`)).toBeVisible();
    await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin');
    const theirs = await CollaboratorsScreen.open(promoted, tenant.open);
    await expect(theirs.addButton).toBeVisible();

    await screen.choose(tenant.member, 'Make Member');
    await expect(notice(screen.page, `${tenant.member.name} is now a Member.`)).toBeVisible();
    await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Member');
    await CollaboratorsScreen.open(promoted, tenant.open);
    await expect(theirs.addButton).toBeHidden();
  });

  test('C7: a project Admin may demote themselves, and then may change nothing more @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.manager, 'Make Member');
    await expect(screen.row(tenant.manager).getByRole('cell').nth(1)).toHaveText('Member');
    await expect(screen.addButton).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeHidden();
  });

  test('W1 C4: the rows of the Owner and organization Admins cannot be changed; their menus say why @scripts', async ({
    as,
    tenant,
  }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    for (const [person, why] of [
      [tenant.owner, 'The Owner of the organization stays an Admin, and can’t be removed.'],
      [tenant.admin, 'Admins of the organization are Admins of every project. Change their organization role first.'],
    ] as const) {
      const menu = await screen.openMenu(person);
      await expect(menu).toContainText(why);
      for (const action of ['Make Admin', 'Make Member', 'Remove User', 'Set end date']) {
        await expect(menu.getByRole('menuitem', { name: action })).toBeHidden();
      }
      await screen.page.keyboard.press('Escape');
      await expect(menu).toBeHidden();
      await visit(screen.page, `${collaboratorsPath(tenant.open)}?dialog=remove&user=${person.id}`);
      await screen.expectShown();
      await expect(screen.page.getByRole('dialog')).toBeHidden();
    }
  });
});

test.describe('removing', () => {
  test('C6 E5 P3: who is removed is refused at once, as if there were no such project', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const removed = await as(tenant.member);
    await visit(removed, projectPath(tenant.open));
    await expect(removed.getByRole('heading', { name: tenant.open.name, level: 1 })).toBeVisible();
    await visit(removed, '/settings/profile');

    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    const dialog = screen.removeDialog(tenant.member);
    for (const ends of ['Clusters, volumes', 'SSH access']) {
      await expect(dialog).toContainText(ends);
    }
    // Cancel removes nobody.
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
    await expect(screen.row(tenant.member)).toBeVisible();
    expect(await tenant.role(tenant.open, tenant.member)).toBe('member');

    await screen.choose(tenant.member, 'Remove User');
    await dialog.getByRole('button', { name: 'Remove User' }).click();
    await expect(notice(screen.page, `${tenant.member.name} was removed. Their access ended at once.`)).toBeVisible();
    await expect(screen.row(tenant.member)).toBeHidden();

    for (const path of [projectPath(tenant.open), settingsPath(tenant.open), collaboratorsPath(tenant.open)]) {
      expect(await visit(removed, path)).toBe(404);
      await expect(notFound(removed)).toBeVisible();
      await expect(removed.getByRole('main')).not.toContainText(tenant.open.name);
    }
    await visit(removed, '/');
    const selector = await ProjectSelector.open(removed);
    await expect(selector.project(tenant.open)).toBeHidden();
  });

  test('a double click on Remove User removes and tells once; the back button then does no harm @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.manager);
    await visit(page, '/');
    const screen = await CollaboratorsScreen.open(page, tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    await screen.removeDialog(tenant.member).getByRole('button', { name: 'Remove User' }).dblclick();

    await expect(screen.removeDialog(tenant.member)).toBeHidden();
    await expect(screen.row(tenant.member)).toBeHidden();
    await expect(notice(screen.page, `${tenant.member.name} was removed.`)).toBeVisible();
    expect(await tenant.timesDone(tenant.open, 'collaborator:remove')).toBe(1);

    await screen.page.goBack();
    await screen.page.goForward();
    await screen.expectShown();
    await expect(screen.page.getByRole('dialog')).toBeHidden();
    await expect(screen.row(tenant.member)).toBeHidden();
    await expect(screen.row(tenant.manager)).toBeVisible();
    expect(await tenant.timesDone(tenant.open, 'collaborator:remove')).toBe(1);
  });

  test('C6: removing somebody whom another Admin removed meanwhile says so, and changes nothing @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    await expect(screen.removeDialog(tenant.member)).toBeVisible();
    // Behind the server's back, so that no live hint comes first.
    await tenant.database.query('DELETE FROM collaborators WHERE project_id = $1 AND user_id = $2', [
      tenant.open.id,
      tenant.member.id,
    ]);
    await screen.removeDialog(tenant.member).getByRole('button', { name: 'Remove User' }).click();
    await expect(notice(screen.page, 'This person has no access to the project any more.')).toBeVisible();
    await expect(screen.row(tenant.member)).toBeHidden();
  });

  test('C7: a collaborator leaves, and is told; the project is gone for them', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open);
    await screen.choose(tenant.member, 'Leave Project');
    const dialog = screen.page.getByRole('dialog', { name: `Leave ${tenant.open.name}?` });
    await dialog.getByRole('button', { name: 'Leave Project' }).click();

    await expect(notice(screen.page, 'You left the project.')).toBeVisible();
    await expect(screen.page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
    expect(await visit(screen.page, projectPath(tenant.open))).toBe(404);
    expect(await tenant.role(tenant.open, tenant.member)).toBeNull();
  });

  test('C7: a project Admin leaves as well @scripts', async ({ as, tenant }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.manager, 'Leave Project');
    await screen.page.getByRole('dialog').getByRole('button', { name: 'Leave Project' }).click();
    await expect(notice(screen.page, 'You left the project.')).toBeVisible();
    expect(await tenant.role(tenant.open, tenant.manager)).toBeNull();
  });

  test('C7: news of one’s own leaving that overtake its answer do not hide it @scripts', async ({ as, tenant }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    // The answer waits until the live connection has told everything.
    await screen.page.route('**/api/remove_collaborator', async (route) => {
      const response = await route.fetch();
      await screen.page.waitForTimeout(700);
      await route.fulfill({ response });
    });
    await screen.choose(tenant.manager, 'Leave Project');
    await screen.page.getByRole('dialog').getByRole('button', { name: 'Leave Project' }).click();
    await expect(notice(screen.page, 'You left the project.')).toBeVisible();
    await expect(screen.page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
  });
});

test.describe('end dates', () => {
  test('C8 N3: an Admin gives access an end, and none; a day that is over is refused beside its field', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);

    await screen.setEndDate(tenant.member, '2001-02-03');
    const field = screen.endDateDialog(tenant.member).getByLabel('Access until');
    await expectFieldError(field, /Enter a date: today’s or a later one\./);
    await expect(field).toHaveValue('2001-02-03');
    expect(await tenant.end(tenant.open, tenant.member)).toBeNull();
    await field.fill('2999-12-31');
    await screen.endDateDialog(tenant.member).getByRole('button', { name: 'Save' }).click();
    await expect(notice(screen.page, `The end date of ${tenant.member.name}’s access was saved.`)).toBeVisible();
    await expect(screen.row(tenant.member)).toContainText('Until 31 Dec 2999');
    expect(await tenant.end(tenant.open, tenant.member)).toEqual(new Date('3000-01-01T00:00:00Z'));

    await screen.choose(tenant.member, 'Set end date');
    await expect(field).toHaveValue('2999-12-31');
    await field.fill('');
    await screen.endDateDialog(tenant.member).getByRole('button', { name: 'Save' }).click();
    await expect(notice(screen.page, `${tenant.member.name}’s access no longer has an end date.`)).toBeVisible();
    await expect(screen.row(tenant.member)).not.toContainText('Until');
    expect(await tenant.end(tenant.open, tenant.member)).toBeNull();
  });

  test('C8: access ends at its date, without anybody doing anything @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.member);
    await visit(page, projectPath(tenant.open));
    await tenant.database.query(
      `UPDATE collaborators SET expires_at = now() - interval '1 second' WHERE project_id = $1 AND user_id = $2`,
      [tenant.open.id, tenant.member.id],
    );
    expect(await visit(page, projectPath(tenant.open))).toBe(404);
    await expect(notFound(page)).toBeVisible();
  });

  test('C8: nobody extends their own access; making it shorter is theirs to do @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409);
    await tenant.add(tenant.open, tenant.member, { role: 'admin' });
    await tenant.database.query(
      `UPDATE collaborators SET expires_at = '2999-06-01' WHERE project_id = $1 AND user_id = $2`,
      [tenant.open.id, tenant.member.id],
    );
    const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open);
    await screen.setEndDate(tenant.member, '2999-12-31');
    const dialog = screen.endDateDialog(tenant.member);
    await expectFieldError(dialog.getByLabel('Access until'), /You can’t extend your own access/);
    await dialog.getByLabel('Access until').fill('2998-12-31');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(screen.row(tenant.member)).toContainText('Until 31 Dec 2998');
  });
});
