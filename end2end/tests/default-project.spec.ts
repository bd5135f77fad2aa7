import {
  collaboratorsPath,
  CollaboratorsScreen,
  expectFieldError,
  notice,
  projectPath,
  settingsPath,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { ResourceScreen, resourcesPath, usagePath } from '../fixtures/resources.ts';
import type { Project } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

test('D2: every member is in it, one who joins later included @scripts', async ({ as, tenant }) => {
  const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.defaultProject);
  await screen.expectPeople(tenant.admin, tenant.manager, tenant.member, tenant.owner);
  await expect(screen.row(tenant.member)).toContainText('Organization member');

  const late = await tenant.person('Zoe Zuletzt');
  await tenant.join(late);
  await CollaboratorsScreen.open(screen.page, tenant.defaultProject);
  await screen.expectPeople(tenant.admin, tenant.manager, tenant.member, tenant.owner, late);
});

test('D3 C8: nobody can be removed from it, or given an end date there, and the menu says why @scripts', async ({
  as,
  tenant,
}) => {
  const screen = await CollaboratorsScreen.open(await as(tenant.admin), tenant.defaultProject);
  const menu = await screen.openMenu(tenant.member);
  await expect(menu).toContainText(
    'Every member of the organization is in the Default Project. To take it away, remove the person from the organization.',
  );
  await expect(menu.getByRole('menuitem', { name: 'Make Admin' })).toBeVisible();
  await expect(menu.getByRole('menuitem', { name: 'Remove User' })).toBeHidden();
  await expect(menu.getByRole('menuitem', { name: 'Set end date' })).toBeHidden();
  await visit(screen.page, `${collaboratorsPath(tenant.defaultProject)}?dialog=remove&user=${tenant.member.id}`);
  await screen.expectShown();
  await expect(screen.page.getByRole('dialog')).toBeHidden();
});

test('D3: nobody can leave it either @scripts', async ({ as, tenant }) => {
  const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.defaultProject);
  const menu = await screen.openMenu(tenant.member);
  await expect(menu).toContainText('Every member of the organization is in the Default Project.');
  await expect(menu.getByRole('menuitem', { name: 'Leave Project' })).toBeHidden();
});

test('D2 C5: a member can be made an Admin of it, and a Member again @scripts', async ({ as, tenant }) => {
  const screen = await CollaboratorsScreen.open(await as(tenant.admin), tenant.defaultProject);
  await screen.choose(tenant.member, 'Make Admin');
  await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin');
  await expect(screen.row(tenant.member)).toContainText('Organization member');
  await screen.choose(tenant.member, 'Make Member');
  await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Member');
  expect(await tenant.role(tenant.defaultProject, tenant.member)).toBe('member');
});

test('D4: externals cannot be added to it, and the error says where to @scripts', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const screen = await CollaboratorsScreen.open(await as(tenant.owner), tenant.defaultProject);
  await screen.add(tenant.outsider.email);
  await expectFieldError(screen.email, /The Default Project is for members of the organization only\./);
  await expect(screen.email).toHaveValue(tenant.outsider.email);
  expect(await tenant.role(tenant.defaultProject, tenant.outsider)).toBeNull();
});

test('D1 D4: its settings offer no externals and no deletion; renamed, it stays the Default Project @scripts', async ({
  as,
  tenant,
}) => {
  const screen = await SettingsScreen.open(await as(tenant.owner), tenant.defaultProject);
  await expect(screen.allowExternals).toBeHidden();
  await expect(screen.page.getByRole('main')).toContainText(
    'External collaborators can’t be added to the Default Project.',
  );
  await expect(screen.page.getByRole('region', { name: 'Delete project' })).toBeHidden();
  await screen.name.fill('Commons');
  await screen.save.click();
  await expect(notice(screen.page, 'Your changes were saved.')).toBeVisible();
  await visit(screen.page, projectPath(tenant.defaultProject));
  await expect(screen.page.getByRole('heading', { name: 'Commons', level: 1 })).toBeVisible();
  await expect(screen.page.getByRole('complementary', { name: 'About the Default Project' })).toBeVisible();
});

test('D7: its pages carry the notice, and no other project’s do @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.manager);
  const banner = page.getByRole('complementary', { name: 'About the Default Project' });
  const volumesPath = (project: Project): string => resourcesPath(project, 'volumes');
  for (const path of [projectPath, settingsPath, collaboratorsPath, volumesPath, usagePath]) {
    await visit(page, path(tenant.defaultProject));
    await expect(banner).toContainText(`All members of ${tenant.organization.name} have access to this project`);
    await expect(banner).toContainText('Create a separate project');
    await expect(banner).toContainText('don’t keep sensitive resources here');
    await visit(page, path(tenant.open));
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(banner).toBeHidden();
  }
  const id = await tenant.addResource(tenant.defaultProject, tenant.admin, 'volume', 'shared');
  await ResourceScreen.open(page, tenant.defaultProject, 'volumes', id, 'shared');
  await expect(banner).toBeVisible();
});
