import {
  awake,
  collaboratorsPath,
  CollaboratorsScreen,
  expectFieldError,
  notFound,
  notice,
  projectPath,
  ProjectSelector,
  settingsPath,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

test('P2: a project Admin renames a project: the name is new everywhere; a reload sends nothing again', async ({
  as,
  tenant,
}) => {
  const screen = await SettingsScreen.open(await as(tenant.manager), tenant.open);
  await expect(screen.name).toHaveValue(tenant.open.name);
  await expect(screen.slug).toHaveValue(tenant.open.slug);
  await screen.name.fill('  Closed Research  ');
  await screen.save.click();

  await expect(notice(screen.page, 'Your changes were saved.')).toBeVisible();
  await expect(screen.page.getByRole('button', { name: 'Project: Closed Research. Switch project' })).toBeVisible();
  await screen.page.reload();
  await awake(screen.page);
  await expect(screen.name).toHaveValue('Closed Research');
  await expect(notice(screen.page, 'saved')).toBeHidden();
  expect(await tenant.timesDone(tenant.open, 'project:update')).toBe(1);
  await visit(screen.page, projectPath(tenant.open));
  await expect(screen.page.getByRole('heading', { name: 'Closed Research', level: 1 })).toBeVisible();
  await expect(screen.page).toHaveTitle('Closed Research · Roster');
});

test('P2: after a change of slug the new address works and the old one leads nowhere @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(404);
  const screen = await SettingsScreen.open(await as(tenant.manager), tenant.open);
  const moved = { ...tenant.open, slug: `moved-${tenant.tag}` };
  await screen.slug.fill(moved.slug);
  await screen.save.click();

  await expect(screen.page).toHaveURL(settingsPath(moved));
  await expect(notice(screen.page, 'Your changes were saved.')).toBeVisible();
  await expect(screen.slug).toHaveValue(moved.slug);
  await CollaboratorsScreen.open(screen.page, moved);
  for (const path of [projectPath, settingsPath, collaboratorsPath]) {
    expect(await visit(screen.page, path(tenant.open))).toBe(404);
    await expect(notFound(screen.page)).toBeVisible();
  }
});

test('P2 N3: a slug let go is kept from others for 90 days, and the name typed with it is not lost @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(409);
  const screen = await SettingsScreen.open(await as(tenant.owner), tenant.open);
  await screen.slug.fill(`moved-${tenant.tag}`);
  await screen.save.click();
  await expect(notice(screen.page, 'Your changes were saved.')).toBeVisible();

  const other = await SettingsScreen.open(screen.page, tenant.closed);
  await other.name.fill('Another name');
  for (const taken of [tenant.open.slug, `moved-${tenant.tag}`]) {
    await other.slug.fill(taken);
    await other.save.click();
    await expectFieldError(other.slug, /This slug is taken, or was until recently\. Choose another\./);
    await expect(other.slug).toHaveValue(taken);
    await expect(other.name).toHaveValue('Another name');
  }

  // Its own old one is still the project's to take back.
  const back = await SettingsScreen.open(screen.page, { ...tenant.open, slug: `moved-${tenant.tag}` });
  await back.slug.fill(tenant.open.slug);
  await back.save.click();
  await expect(back.page).toHaveURL(settingsPath(tenant.open));
  // The answer is read to its end: the test doesn't break it off.
  await expect(notice(back.page, 'Your changes were saved.')).toBeVisible();
});

test('P2 N3: what cannot be a name or a slug is refused beside its field and kept', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const screen = await SettingsScreen.open(await as(tenant.manager), tenant.open);
  const before = await tenant.snapshot(tenant.open);
  for (const slug of ['', 'ab', 'under_score', '-edge', 'edge-', 'with space', 'ünïcode', '../x', 'a'.repeat(64)]) {
    await screen.slug.fill(slug);
    await screen.save.click();
    await expectFieldError(screen.slug, /Use 3 to 63 characters/);
    await expect(screen.slug).toHaveValue(slug);
  }
  await screen.slug.fill(tenant.open.slug);
  for (const name of ['', '   ', 'n'.repeat(101)]) {
    await screen.name.fill(name);
    await screen.save.click();
    await expectFieldError(screen.name, /Enter a name of 1 to 100 characters/);
    await expect(screen.name).toHaveValue(name);
  }
  expect(await tenant.snapshot(tenant.open)).toBe(before);
});

test('X1 N3: a switch that was turned stays turned when another field is refused', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const screen = await SettingsScreen.open(await as(tenant.owner), tenant.closed);
  await screen.allowExternals.check();
  await screen.slug.fill('no slug');
  await screen.save.click();
  await expectFieldError(screen.slug, /Use 3 to 63 characters/);
  await expect(screen.allowExternals).toBeChecked();
});

test('O3 R2: a Member of the project reads its settings and cannot change them @scripts', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.member);
  const page = await as(tenant.member);
  await visit(page, settingsPath(tenant.open));
  const facts = page.getByRole('region', { name: 'Settings' });
  await expect(facts).toContainText(tenant.open.name);
  await expect(facts).toContainText(tenant.open.slug);
  await expect(facts).toContainText('Only Admins of the project can change its settings.');
  await expect(page.getByRole('textbox')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Save' })).toBeHidden();
});

test('~current stands for the project last used, whatever the screen @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.manager);
  await visit(page, projectPath(tenant.open));
  await visit(page, '/settings/profile');
  for (const [path, leads] of [
    ['/projects/~current', projectPath(tenant.open)],
    ['/settings/projects/~current', settingsPath(tenant.open)],
    ['/settings/projects/~current/collaborators?q=maya', `${collaboratorsPath(tenant.open)}?q=maya`],
    ['/', projectPath(tenant.open)],
  ] as const) {
    await visit(page, path);
    await expect(page).toHaveURL(leads);
  }
  await visit(page, projectPath(tenant.defaultProject));
  await visit(page, '/settings/projects/~current');
  await expect(page).toHaveURL(settingsPath(tenant.defaultProject));
});

test('X3: the selectors switch between projects and organizations, name where one is, mark external ones', async ({
  as,
  tenant,
}) => {
  await tenant.add(tenant.open, tenant.outsider);
  const page = await as(tenant.outsider);
  await visit(page, '/');
  await page.getByRole('button', { name: /Switch organization/ }).click();
  const choice = page.getByRole('menuitem', { name: tenant.organization.name });
  await expect(choice).toContainText('External');
  await expect(page.getByRole('menuitem', { name: `Partner ${tenant.tag}` })).not.toContainText('External');
  await choice.click();
  await expect(page).toHaveURL(projectPath(tenant.open));
  await expect(page.getByRole('heading', { name: tenant.open.name, level: 1 })).toBeVisible();
  await expect(
    page.getByRole('button', { name: `Organization: ${tenant.organization.name}. Switch organization` }),
  ).toBeVisible();

  const inside = await as(tenant.manager);
  await visit(inside, '/');
  const selector = await ProjectSelector.open(inside);
  await expect(selector.projects).toHaveText([tenant.defaultProject.name, tenant.open.name]);
  await expect(selector.project(tenant.defaultProject)).toHaveAttribute('aria-current', 'true');
  await selector.project(tenant.open).click();
  await expect(inside).toHaveURL(projectPath(tenant.open));
  await expect(selector.popover).toBeHidden();
  await inside.getByRole('link', { name: 'Collaborators' }).click();
  await expect(inside).toHaveURL(collaboratorsPath(tenant.open));
  await expect(inside.getByRole('link', { name: 'Collaborators' })).toHaveAttribute('aria-current', 'page');
});

test('R1: the overview says what one may do and why @scripts', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.member);
  const page = await as(tenant.member);
  await visit(page, projectPath(tenant.open));
  await expect(page.getByRole('main')).toContainText('You were added to this project.');
  await page.getByText('What you can do here').click();
  await expect(page.getByRole('heading', { name: 'Only Admins can' })).toBeVisible();

  const admins = await as(tenant.admin);
  await visit(admins, projectPath(tenant.open));
  await expect(admins.getByRole('main')).toContainText(
    `Admins of ${tenant.organization.name} are Admins of every project.`,
  );
  await admins.getByText('What you can do here').click();
  await expect(admins.getByRole('heading', { name: 'You can' })).toBeVisible();
  await expect(admins.getByRole('heading', { name: 'Only Admins can' })).toBeHidden();
});

test('R1: what one may do here is readable on a phone @scripts', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.member);
  const page = await as(tenant.member);
  await page.setViewportSize({ width: 360, height: 800 });
  await visit(page, projectPath(tenant.open));
  await page.getByText('What you can do here').click();
  const rights = page.getByRole('region', { name: 'Your access' }).getByRole('listitem');
  await expect(rights.first()).toBeVisible();
  for (const right of await rights.all()) {
    expect((await right.boundingBox())?.width).toBeGreaterThan(100);
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
});
