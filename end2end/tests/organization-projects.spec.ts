import { ProjectsScreen, projectsPath } from '../fixtures/organization.ts';
import {
  awake,
  CollaboratorsScreen,
  expectFieldError,
  notFound,
  notice,
  projectPath,
  ProjectSelector,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

const SWITCHED_OFF =
  'Additional projects are switched off for this organization. Ask whoever runs this console to switch them on.';

test.describe('the list', () => {
  test('O3 P1 P3 R2: a member sees all projects’ names, a way in to their own, none to create one @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.manager);
    const screen = await ProjectsScreen.open(page, tenant.organization, '?dialog=create');
    await expect(screen.dialog).toBeHidden();
    await expect(screen.createButton).toBeHidden();
    await screen.expectPeople(tenant.defaultProject, tenant.open, tenant.closed);
    await expect(screen.row(tenant.defaultProject)).toContainText('Default');
    await expect(screen.row(tenant.open).getByRole('cell').nth(1)).toHaveText('Admin');
    await expect(screen.row(tenant.open)).toContainText(tenant.open.slug);
    const closed = screen.row(tenant.closed);
    await expect(closed.getByRole('cell').nth(1)).toHaveText('No access');
    await expect(closed.getByRole('link')).toHaveCount(0);
    // Its slug is no business of theirs.
    expect(await page.content()).not.toContain(tenant.closed.slug);
    await screen.row(tenant.open).getByRole('link', { name: tenant.open.name }).click();
    await expect(page).toHaveURL(projectPath(tenant.open));
    await expect(page.getByRole('heading', { name: tenant.open.name, level: 1 })).toBeVisible();
  });

  test('P3: it pages 60 projects, none missed or seen twice; it searches names, and no hidden slugs', async ({
    as,
    tenant,
  }) => {
    await tenant.database.query(
      `WITH made AS (
         INSERT INTO projects (organization_id, id, name, is_default, created_at)
         SELECT $1, gen_random_uuid(), 'Project ' || lpad(n::text, 3, '0'), false, now() FROM generate_series(1, 60) n RETURNING id
       )
       INSERT INTO project_slugs (slug, organization_id, project_id) SELECT 'p-' || id, $1, id FROM made`,
      [tenant.organization.id],
    );
    const screen = await ProjectsScreen.open(await as(tenant.member), tenant.organization);
    await expect(screen.people).toHaveCount(50);
    const seen = await screen.people.locator('.person-name bdi').allTextContents();
    await screen.page.getByRole('link', { name: 'Next page' }).click();
    await expect(screen.people).toHaveCount(13);
    seen.push(...(await screen.people.locator('.person-name bdi').allTextContents()));
    expect(new Set(seen).size).toBe(63);
    expect(seen).toEqual([...seen].sort((a, b) => a.localeCompare(b)));

    await screen.find('RESEARCH');
    await screen.expectPeople(tenant.open);
    await expect(screen.page).toHaveURL(/[?&]q=RESEARCH/);
    await screen.find('closed');
    await expect(screen.page.getByRole('heading', { name: 'No project found' })).toBeVisible();
    await screen.page.getByRole('link', { name: 'Show all projects' }).click();
    await expect(screen.people).toHaveCount(50);
  });
});

test.describe('creating', () => {
  test('P1 P2 C4: an Admin creates a project, is in it as its Admin, and nobody else is', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const page = await as(tenant.admin);
    const screen = await ProjectsScreen.open(page, tenant.organization);
    const project = { id: '', name: 'Data Platform', slug: `data-${tenant.tag}` };
    await screen.createButton.click();
    await screen.name.fill(` ${project.name} `);
    await screen.slug.fill(project.slug);
    await screen.create.click();
    await expect(page).toHaveURL(projectPath(project));
    await expect(notice(page, 'Data Platform was created. Add the people who work in it.')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Project: Data Platform. Switch project' })).toBeVisible();
    await awake(page);
    const collaborators = await CollaboratorsScreen.open(page, project);
    await collaborators.expectPeople(tenant.admin, tenant.owner);
    const settings = await SettingsScreen.open(page, project);
    await expect(settings.allowExternals).not.toBeChecked();

    const member = await as(tenant.member);
    expect(await visit(member, projectPath(project))).toBe(404);
    const list = await ProjectsScreen.open(member, tenant.organization);
    await expect(list.row(project).getByRole('cell').nth(1)).toHaveText('No access');
  });

  test('P2 P5 N3: the dialog tells of ways to split work; errors stand beside fields, what was typed stays', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409, 422);
    const page = await as(tenant.admin);
    const screen = await ProjectsScreen.open(page, tenant.organization);
    await screen.createButton.click();
    const way = screen.dialog.getByText('By environment');
    await expect(way).toBeHidden();
    await screen.dialog.getByText('How do others split their work into projects?').click();
    await expect(way).toBeVisible();
    await expect(screen.dialog.getByRole('term')).toHaveText([
      'By team',
      'By environment',
      'By workload',
      'By customer',
    ]);
    await expect(screen.dialog.getByText('production, staging, development')).toBeVisible();

    await screen.name.fill('Data Platform');
    for (const slug of ['', 'ab', 'under_score', '-edge', 'with space', '../x', 'a'.repeat(64)]) {
      await screen.slug.fill(slug);
      await screen.create.click();
      await expectFieldError(screen.slug, /Use 3 to 63 characters/);
      await expect(screen.slug).toHaveValue(slug);
      await expect(screen.name).toHaveValue('Data Platform');
    }
    // Taken: by this organization, by another one, by a Default Project.
    for (const slug of [tenant.closed.slug, `partner-${tenant.tag}-default`, tenant.defaultProject.slug]) {
      await screen.slug.fill(slug);
      await screen.create.click();
      await expectFieldError(screen.slug, /This slug is taken, or was until recently\. Choose another\./);
      await expect(screen.slug).toHaveValue(slug);
    }
    await screen.slug.fill(`data-${tenant.tag}`);
    for (const name of ['', '   ', 'n'.repeat(101)]) {
      await screen.name.fill(name);
      await screen.create.click();
      await expectFieldError(screen.name, /Enter a name of 1 to 100 characters/);
      await expect(screen.name).toHaveValue(name);
      await expect(screen.slug).toHaveValue(`data-${tenant.tag}`);
    }
    expect(await tenant.timesDoneInOrganization('project:create')).toBe(0);
    await screen.dialog.getByRole('button', { name: 'Cancel' }).click();
    await screen.createButton.click();
    await expect(screen.name).toHaveValue('');
    await expect(screen.name).not.toHaveAttribute('aria-invalid', 'true');
  });

  test('a double click on Create creates one project @scripts', async ({ as, guard, tenant }) => {
    // The page that follows is left for the list.
    guard.allow(/GET .*\/projects\/data-\w+ net::ERR_ABORTED/);
    const screen = await ProjectsScreen.open(await as(tenant.admin), tenant.organization, '?dialog=create');
    await screen.name.fill('Data Platform');
    await screen.slug.fill(`data-${tenant.tag}`);
    await screen.create.dblclick();
    await expect.poll(() => tenant.timesDoneInOrganization('project:create')).toBe(1);
    await ProjectsScreen.open(screen.page, tenant.organization);
    await expect(screen.people).toHaveCount(4);
  });

  test('P1: switched off by the operator: it says whom to ask, opens no dialog, refuses a form sent @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(403);
    const page = await as(tenant.admin);
    const screen = await ProjectsScreen.open(page, tenant.organization);
    await screen.createButton.click();
    await screen.name.fill('Data Platform');
    await screen.slug.fill(`data-${tenant.tag}`);
    await tenant.database.query('UPDATE organizations SET additional_projects = false WHERE id = $1', [
      tenant.organization.id,
    ]);
    await screen.create.click();
    // Whoever has the dialog open learns it from there, or from the page.
    await expect(page.getByRole('main')).toContainText(SWITCHED_OFF);

    await visit(page, `${projectsPath(tenant.organization)}?dialog=create`);
    await screen.expectShown();
    await expect(page.getByRole('complementary', { name: 'About new projects' })).toContainText(SWITCHED_OFF);
    await expect(screen.createButton).toBeHidden();
    await expect(screen.dialog).toBeHidden();
    // Those who could not create one anyway are not told.
    const member = await ProjectsScreen.open(await as(tenant.member), tenant.organization);
    await expect(member.page.getByRole('main')).not.toContainText('switched off');
    expect(await tenant.timesDoneInOrganization('project:create')).toBe(0);
  });
});

test.describe('deleting', () => {
  test('P4: an Admin deletes a project, its slug typed; access ends at once, and the slug is given to nobody', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404, 409, 422);
    const member = await as(tenant.manager);
    await visit(member, '/settings/profile');
    const page = await as(tenant.admin);
    await SettingsScreen.open(page, tenant.open);
    const deletion = page.getByRole('region', { name: 'Delete project' });
    const confirmation = deletion.getByLabel(`Type ${tenant.open.slug} to confirm`);
    const press = deletion.getByRole('button', { name: 'Delete project' });
    for (const wrong of ['', tenant.open.name, tenant.closed.slug]) {
      await confirmation.fill(wrong);
      await press.click();
      await expectFieldError(confirmation, /This isn’t what you were asked to type\. Type it exactly as shown\./);
      await expect(confirmation).toHaveValue(wrong);
      // The same error again and again: only an answer that has come lets the form be sent again.
      await expect(press).toHaveAttribute('aria-busy', 'false');
    }
    await confirmation.fill(tenant.open.slug);
    await press.click();
    await expect(page).toHaveURL(projectsPath(tenant.organization));
    await expect(notice(page, `${tenant.open.name} was deleted.`)).toBeVisible();
    await awake(page);
    const screen = new ProjectsScreen(page, tenant.organization);
    await screen.expectPeople(tenant.defaultProject, tenant.closed);
    expect(await visit(member, projectPath(tenant.open))).toBe(404);
    await expect(notFound(member)).toBeVisible();

    // P2: for 90 days it is nobody's, this organization's neither.
    await screen.createButton.click();
    await screen.name.fill('Open again');
    await screen.slug.fill(tenant.open.slug);
    await screen.create.click();
    await expectFieldError(screen.slug, /This slug is taken, or was until recently\. Choose another\./);
    await tenant.database.query(`UPDATE project_slugs SET released_at = now() - interval '91 days' WHERE slug = $1`, [
      tenant.open.slug,
    ]);
    await screen.create.click();
    await expect(page.getByRole('heading', { name: 'Open again', level: 1 })).toBeVisible();
  });

  test('P4: an Admin of the project who is none of the organization is offered none @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.manager);
    const settings = await SettingsScreen.open(page, tenant.open);
    await expect(settings.save).toBeVisible();
    await expect(page.getByRole('region', { name: 'Delete project' })).toBeHidden();
  });

  test('E5 P4: somebody who looks at a project that is deleted is told @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    const looking = await as(tenant.manager);
    await visit(looking, projectPath(tenant.open));
    const page = await as(tenant.admin);
    await SettingsScreen.open(page, tenant.open);
    const deletion = page.getByRole('region', { name: 'Delete project' });
    await deletion.getByLabel(/^Type /).fill(tenant.open.slug);
    await deletion.getByRole('button', { name: 'Delete project' }).click();
    await expect(notice(page, `${tenant.open.name} was deleted.`)).toBeVisible();
    await expect(looking.getByRole('heading', { name: 'Your access to this project has ended' })).toBeVisible({
      timeout: 2_000,
    });
    await expect(looking.getByRole('main')).not.toContainText(tenant.open.name);
  });
});

test.describe('the selector', () => {
  test('P3: it has the projects one is in and no others, and leads to the list of all @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.member);
    await visit(page, '/');
    const selector = await ProjectSelector.open(page);
    await expect(selector.projects).toHaveText([tenant.defaultProject.name]);
    await selector.popover.getByRole('link', { name: 'All projects' }).click();
    await expect(page).toHaveURL(projectsPath(tenant.organization));
    await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
  });

  test('typing finds a project by a part of its name, and only those one has access to @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.manager);
    await visit(page, '/');
    const selector = await ProjectSelector.open(page);
    await expect(selector.search).toBeFocused();
    await selector.search.pressSequentially('rese');
    await expect(selector.projects).toHaveText([tenant.open.name]);
    await selector.search.fill(tenant.closed.name);
    await expect(selector.popover.getByRole('status')).toHaveText('No project found');
    await expect(selector.projects).toHaveCount(0);
    await selector.search.fill('');
    await expect(selector.projects).toHaveText([tenant.defaultProject.name, tenant.open.name]);
    await selector.search.fill('OPEN');
    await expect(selector.projects).toHaveText([tenant.open.name]);
    await selector.project(tenant.open).click();
    await expect(page).toHaveURL(projectPath(tenant.open));
    await expect(selector.popover).toBeHidden();
    // The next search is a new one.
    await selector.button.click();
    await expect(selector.search).toHaveValue('');
    await expect(selector.projects).toHaveCount(2);
    await expect(selector.project(tenant.open)).toHaveAttribute('aria-current', 'true');
  });
});
