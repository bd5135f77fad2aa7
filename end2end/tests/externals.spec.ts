import {
  CollaboratorsScreen,
  expectFieldError,
  literally,
  notFound,
  notice,
  projectPath,
  ProjectSelector,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

test('X1 X2 C3: an outsider is refused until externals are allowed; then marked, and removed @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(422);
  const page = await as(tenant.owner);
  const screen = await CollaboratorsScreen.open(page, tenant.closed);
  await screen.add(tenant.outsider.email);
  const whatToDo = 'Invite them to it, or allow external collaborators in the project’s settings.';
  await expectFieldError(screen.email, new RegExp(literally(whatToDo)));
  expect(await tenant.role(tenant.closed, tenant.outsider)).toBeNull();

  const settings = await SettingsScreen.open(page, tenant.closed);
  await expect(settings.allowExternals).not.toBeChecked();
  await settings.allowExternals.check();
  await settings.save.click();
  await expect(notice(page, 'Your changes were saved.')).toBeVisible();

  await CollaboratorsScreen.open(page, tenant.closed);
  await screen.add(tenant.outsider.email);
  await expect(notice(page, `${tenant.outsider.name} was added as a Member.`)).toBeVisible();
  await expect(screen.row(tenant.outsider)).toContainText('External');
  await expect(screen.row(tenant.outsider)).toContainText(`Added by ${tenant.owner.name}`);

  await screen.remove(tenant.outsider);
  await expect(notice(page, `${tenant.outsider.name} was removed.`)).toBeVisible();
  await expect(screen.row(tenant.outsider)).toBeHidden();
  expect(await tenant.role(tenant.closed, tenant.outsider)).toBeNull();
});

test('X2: an external may hold either role, and an Admin among them manages people @scripts', async ({
  as,
  tenant,
}) => {
  await tenant.add(tenant.open, tenant.outsider);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  await screen.choose(tenant.outsider, 'Make Admin');
  await expect(screen.row(tenant.outsider).getByRole('cell').nth(1)).toHaveText('Admin');

  const theirs = await CollaboratorsScreen.open(await as(tenant.outsider), tenant.open);
  await theirs.add(tenant.member.email);
  await expect(theirs.row(tenant.member)).toContainText(`Added by ${tenant.outsider.name}`);
});

test('X1: externals who are there when they are switched off stay, are marked, and can be removed together', async ({
  as,
  tenant,
}) => {
  const second = await tenant.person('Frida Fremd');
  await tenant.add(tenant.open, tenant.outsider);
  await tenant.add(tenant.open, second, { role: 'admin' });
  const page = await as(tenant.manager);
  const settings = await SettingsScreen.open(page, tenant.open);
  await settings.allowExternals.uncheck();
  await settings.save.click();
  await expect(notice(page, 'Your changes were saved.')).toBeVisible();

  const leftover = page.getByRole('region', { name: 'External collaborators' });
  await expect(leftover).toContainText('2 external collaborators still have access.');
  expect(await tenant.role(tenant.open, tenant.outsider)).toBe('member');
  await leftover.getByRole('link', { name: 'See who' }).click();
  const screen = new CollaboratorsScreen(page, tenant.open);
  await screen.expectPeople(tenant.outsider, second);
  await expect(screen.row(second)).toContainText('External');

  // C6 N5: first it says what ends, and which keys they made: each is kept or revoked with it.
  await tenant.addKey(tenant.open, second, 'Ends');
  await tenant.addKey(tenant.open, tenant.outsider, 'Stays');
  await tenant.addKey(tenant.open, tenant.manager, 'Not theirs');
  await SettingsScreen.open(page, tenant.open);
  await leftover.getByRole('button', { name: 'Remove them all' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove 2 external collaborators?' });
  await expect(dialog.getByRole('checkbox')).toHaveCount(2);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  expect(await tenant.role(tenant.open, second)).toBe('admin');
  await leftover.getByRole('button', { name: 'Remove them all' }).click();
  await dialog.getByRole('checkbox', { name: 'Revoke Ends' }).check();
  await dialog.getByRole('button', { name: 'Remove them all' }).click();
  await expect(notice(page, '2 external collaborators were removed.')).toBeVisible();
  await expect(dialog).toBeHidden();
  expect(await tenant.keys(tenant.open, 'Ends')).toEqual([{ expires_at: null, is_revoked: true }]);
  expect(await tenant.keys(tenant.open, 'Stays')).toEqual([{ expires_at: null, is_revoked: false }]);
  await expect(leftover).toBeHidden();
  for (const person of [tenant.outsider, second]) {
    expect(await tenant.role(tenant.open, person)).toBeNull();
  }
  expect(await tenant.role(tenant.open, tenant.manager)).toBe('admin');
});

test('X1: one leftover external is removed from the list like anybody @scripts', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.outsider);
  await tenant.database.query('UPDATE projects SET allow_externals = false WHERE id = $1', [tenant.open.id]);
  const page = await as(tenant.manager);
  await SettingsScreen.open(page, tenant.open);
  await expect(page.getByRole('main')).toContainText('1 external collaborator still has access.');
  const screen = await CollaboratorsScreen.open(page, tenant.open);
  await screen.remove(tenant.outsider);
  await expect(screen.row(tenant.outsider)).toBeHidden();
  await SettingsScreen.open(page, tenant.open);
  await expect(page.getByRole('region', { name: 'External collaborators' })).toBeHidden();
});

test('X3: an external sees the organization’s name and their project, and nothing else of it @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(404);
  await tenant.add(tenant.open, tenant.outsider);
  const page = await as(tenant.outsider);
  await visit(page, projectPath(tenant.open));
  await expect(page.getByRole('main')).toContainText(tenant.organization.name);
  await expect(page.getByRole('main')).toContainText(
    `You were added to this project from outside ${tenant.organization.name}.`,
  );
  const selector = await ProjectSelector.open(page);
  await expect(selector.projects).toHaveText([tenant.open.name]);
  await expect(selector.popover.getByRole('link', { name: 'All projects' })).toBeHidden();
  await expect(page.getByRole('list', { name: 'Organization' })).toBeHidden();
  for (const project of [tenant.closed, tenant.defaultProject]) {
    expect(await visit(page, projectPath(project))).toBe(404);
    await expect(notFound(page)).toBeVisible();
  }
});

test('X4: an external who becomes a member keeps the role, loses the mark, is in the Default Project @scripts', async ({
  as,
  tenant,
}) => {
  await tenant.add(tenant.open, tenant.outsider, { role: 'admin' });
  await tenant.join(tenant.outsider);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  await expect(screen.row(tenant.outsider).getByRole('cell').nth(1)).toHaveText('Admin');
  await expect(screen.row(tenant.outsider).getByRole('cell').nth(2)).not.toContainText('External');
  await CollaboratorsScreen.open(screen.page, tenant.defaultProject);
  await expect(screen.row(tenant.outsider)).toContainText('Organization member');
});

test('X5: the end date of an external is suggested where it is set @scripts', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.outsider);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  await screen.choose(tenant.outsider, 'Set end date');
  await expect(screen.endDateDialog(tenant.outsider)).toContainText(
    'External collaborators are best given an end date.',
  );
});
