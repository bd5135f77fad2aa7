import { expectFieldError, notFound, notice, projectPath, settingsPath, visit } from '../fixtures/pages.ts';
import { CLUSTER, KINDS, ResourceScreen, resourcesPath, ResourcesScreen } from '../fixtures/resources.ts';
import { expect, test } from '../fixtures/test.ts';

test('E1: the overview shows each kind with how many there are, and leads to the latest @scripts', async ({
  as,
  tenant,
}) => {
  const { manager, member, open } = tenant;
  await tenant.add(open, member);
  const id = await tenant.addResource(open, manager, 'cluster', 'training', { state: 'running', details: CLUSTER });
  for (const name of ['one', 'two', 'three', 'four']) {
    await tenant.addResource(open, manager, 'file', name, { details: { purpose: 'batch', size_bytes: 1 } });
  }
  await tenant.addResource(tenant.closed, tenant.owner, 'model', 'elsewhere');
  const page = await as(member);
  await visit(page, projectPath(open));
  const card = (name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
  await expect(card('Clusters')).toContainText('1 running');
  await expect(card('Files')).toContainText('4 ready');
  await expect(card('Files').getByRole('listitem')).toHaveCount(3);
  await expect(card('Models')).toContainText('None yet.');
  await expect(card('Models').getByRole('link', { name: 'Create Model' })).toBeVisible();
  // A Member of the project creates no volumes.
  await expect(card('Volumes')).toContainText('Admins of the project create them.');
  await expect(card('Volumes').getByRole('link', { name: 'Create Volume' })).toBeHidden();
  await card('Clusters').getByRole('link', { name: 'training' }).click();
  await expect(page).toHaveURL(`${resourcesPath(open, 'clusters')}/${id}`);
  await expect(page.getByRole('heading', { name: 'training', level: 1 })).toBeVisible();
  await page.getByRole('main').getByRole('link', { name: 'Clusters' }).click();
  await expect(page.getByRole('heading', { name: 'Clusters', level: 1 })).toBeVisible();
  await page.getByRole('main').getByRole('link', { name: open.name }).click();
  await expect(page).toHaveURL(projectPath(open));
});

test('R1 E1: an Admin of the project creates a cluster @scripts', async ({ as, tenant }) => {
  const screen = await ResourcesScreen.open(await as(tenant.manager), tenant.open, 'clusters');
  await expect(screen.page.getByRole('heading', { name: 'No clusters yet' })).toBeVisible();
  await screen.createButton.click();
  await expect(screen.page).toHaveURL(/[?&]dialog=create(&|$)/);
  await expect(screen.createDialog).toContainText('Registers a cluster that runs elsewhere. Roster doesn’t start it.');
  await expect(screen.field('State')).toHaveAccessibleDescription(/Changing this starts or stops nothing/);
  await screen.field('Name').fill('training');
  await screen.field('GPU type').fill('NVIDIA H100');
  await screen.field('Nodes').fill('1000');
  await screen.field('GPUs per node').fill('8');
  await screen.field('Scheduler').selectOption('Slurm');
  await screen.field('State').selectOption('Running');
  await screen.create.click();
  await expect(notice(screen.page, 'The cluster training was created.')).toBeVisible();
  await expect(screen.createDialog).toBeHidden();
  await screen.expectNames('training');
  const row = screen.row({ name: 'training' });
  for (const text of ['Running', 'NVIDIA H100', '1,000', 'Slurm']) {
    await expect(row).toContainText(text);
  }
  expect(await tenant.timesDone(tenant.open, 'cluster:create')).toBe(1);
});

test('N3: what is wrong is said beside its field, and what was typed is kept', async ({ as, guard, tenant }) => {
  guard.allowStatus(422, 409);
  await tenant.addResource(tenant.open, tenant.manager, 'cluster', 'training', { details: CLUSTER });
  const screen = await ResourcesScreen.open(await as(tenant.manager), tenant.open, 'clusters');
  await screen.createButton.click();
  await screen.field('Name').fill('training');
  await screen.field('GPU type').fill('NVIDIA H200');
  await screen.field('Nodes').fill('10001');
  await screen.field('GPUs per node').fill('8');
  await screen.create.click();
  await expectFieldError(screen.field('Nodes'), 'Enter a whole number from 0 to 10,000.');
  await expect(screen.field('Nodes')).toHaveValue('10001');
  await expect(screen.field('GPU type')).toHaveValue('NVIDIA H200');
  await screen.field('Nodes').fill('16');
  await screen.create.click();
  await expectFieldError(screen.field('Name'), /has one of this kind with this name already/);
  await expect(screen.field('Nodes')).toHaveValue('16');
  await screen.field('Name').fill('training-2');
  await screen.create.click();
  await expect(notice(screen.page, 'The cluster training-2 was created.')).toBeVisible();
  await screen.expectNames('training', 'training-2');
});

test('R2: a Member of the project is told who creates clusters, and creates files @scripts', async ({ as, tenant }) => {
  const { member, open } = tenant;
  await tenant.add(open, member);
  const id = await tenant.addResource(open, tenant.manager, 'cluster', 'training', { details: CLUSTER });
  const page = await as(member);
  const clusters = await ResourcesScreen.open(page, open, 'clusters', '?dialog=create');
  await expect(clusters.createButton).toBeHidden();
  await expect(clusters.createDialog).toBeHidden();
  await expect(page.getByRole('main')).toContainText('Only Admins of the project can create clusters.');
  const one = await ResourceScreen.open(page, open, 'clusters', id, 'training');
  await expect(one.settings).toBeHidden();
  await expect(one.deleteButton).toBeHidden();
  await expect(page.getByRole('main')).toContainText('Only Admins of the project can change and delete clusters.');
  await expect(one.fact('Nodes')).toHaveText('4');
  await expect(one.fact('Scheduler')).toHaveText('Slurm');
  await expect(one.fact('Created')).toContainText(tenant.manager.name);

  const files = await ResourcesScreen.open(page, open, 'files');
  await files.createButton.click();
  await files.field('Name').fill('train.jsonl');
  await files.field('Purpose').selectOption('Batch');
  await files.field('Size in bytes').fill('1024');
  await files.create.click();
  await expect(notice(page, 'The file train.jsonl was created.')).toBeVisible();
  await files.row({ name: 'train.jsonl' }).getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'train.jsonl', level: 1 })).toBeVisible();
  await expect(new ResourceScreen(page).settings).toBeVisible();
});

test('R1: an Admin changes a cluster, and leaves alone what somebody else changed meanwhile', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(422);
  const { manager, open } = tenant;
  const id = await tenant.addResource(open, manager, 'cluster', 'training', { state: 'creating', details: CLUSTER });
  const screen = await ResourceScreen.open(await as(manager), open, 'clusters', id, 'training');
  await expect(screen.field('Nodes')).toHaveValue('4');
  await tenant.database.query(
    `UPDATE resources SET state = 'running', details = details || '{"region": "us-east-2"}' WHERE id = $1`,
    [id],
  );
  await screen.field('Nodes').fill('-1');
  await screen.field('GPU type').fill('NVIDIA H200');
  await screen.save.click();
  await expectFieldError(screen.field('Nodes'), 'Enter a whole number from 0 to 10,000.');
  await expect(screen.field('GPU type')).toHaveValue('NVIDIA H200');
  await screen.field('Nodes').fill('32');
  await screen.field('Name').fill('training-b');
  await screen.save.click();
  await expect(notice(screen.page, 'Your changes to training-b were saved.')).toBeVisible();
  await expect(screen.page.getByRole('heading', { name: 'training-b', level: 1 })).toBeVisible();
  expect(await tenant.resource(id)).toEqual({
    name: 'training-b',
    state: 'running',
    details: { ...CLUSTER, gpu: 'NVIDIA H200', nodes: 32, region: 'us-east-2' },
  });
  // The form shows it all now.
  await expect(screen.field('Region')).toHaveValue('us-east-2');
  await expect(screen.field('State')).toHaveValue('running');
  expect(await tenant.timesDone(open, 'cluster:scale')).toBe(1);
  expect(await tenant.timesDone(open, 'cluster:configure')).toBe(1);
});

test('N5: deleting says what it does before it does it', async ({ as, guard, tenant }) => {
  const { manager, open } = tenant;
  const id = await tenant.addResource(open, manager, 'endpoint', 'chat', { state: 'running' });
  const screen = await ResourceScreen.open(await as(manager), open, 'endpoints', id, 'chat');
  await screen.deleteButton.click();
  const dialog = screen.deleteDialog('chat');
  await expect(dialog).toContainText('Gateways refuse it at once.');
  await expect(dialog).toContainText('This can’t be undone.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  expect(await tenant.resource(id)).not.toBeNull();
  await screen.deleteButton.click();
  await dialog.getByRole('button', { name: 'Delete Endpoint' }).click();
  await expect(screen.page).toHaveURL(resourcesPath(open, 'endpoints'));
  await expect(notice(screen.page, 'The endpoint chat was deleted.')).toBeVisible();
  await expect(screen.page.getByRole('heading', { name: 'No endpoints yet' })).toBeVisible();
  expect(await tenant.resource(id)).toBeNull();
  guard.allowStatus(404);
  expect(await visit(screen.page, `${resourcesPath(open, 'endpoints')}/${id}`)).toBe(404);
  await expect(notFound(screen.page)).toBeVisible();
});

test('E2: the list is searched, filtered, sorted and paged, and its address holds it all', async ({ as, tenant }) => {
  const { manager, open } = tenant;
  await tenant.database.query(
    `INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
     SELECT $1, $2, gen_random_uuid(), 'file', 'part ' || lpad(n::text, 3, '0'), 'ready', '{}', now(), now()
     FROM generate_series(1, 60) n`,
    [tenant.organization.id, open.id],
  );
  await tenant.addResource(open, manager, 'file', '100% done', { state: 'failed' });
  const screen = await ResourcesScreen.open(await as(manager), open, 'files');
  await expect(screen.people).toHaveCount(50);
  await expect(screen.people.first()).toContainText('100% done');
  await screen.page.getByRole('link', { name: 'Next page' }).click();
  await expect(screen.people).toHaveCount(11);
  await expect(screen.people.last()).toContainText('part 060');
  await screen.sortBy('Name');
  await expect(screen.people.first()).toContainText('part 060');
  await screen.find('%');
  await screen.expectNames('100% done');
  await screen.find('part 00');
  await expect(screen.people).toHaveCount(9);
  await screen.filter('State', 'Failed');
  await expect(screen.page.getByRole('heading', { name: 'No file found' })).toBeVisible();
  await expect(screen.page).toHaveURL(/[?&]state=failed(&|$)/);
  await screen.page.getByRole('link', { name: 'Show all' }).click();
  await expect(screen.people).toHaveCount(50);
  await ResourcesScreen.open(screen.page, open, 'files', '?state=failed&sort=added&order=desc');
  await screen.expectNames('100% done');
});

test('P3 X3: to somebody without access there is nothing, and no kind but the six @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(404);
  const id = await tenant.addResource(tenant.closed, tenant.owner, 'model', 'secret-model');
  const page = await as(tenant.manager);
  for (const path of [
    resourcesPath(tenant.closed, 'models'),
    `${resourcesPath(tenant.closed, 'models')}/${id}`,
    // Nor through a project they are in.
    `${resourcesPath(tenant.open, 'models')}/${id}`,
    `${projectPath(tenant.open)}/people`,
  ]) {
    expect(await visit(page, path), path).toBe(404);
    await expect(notFound(page)).toBeVisible();
    await expect(page.getByRole('main')).not.toContainText('secret-model');
  }
});

test('P4 N5: deleting a project says what ends with it, and what has to be deleted first @scripts', async ({
  as,
  tenant,
}) => {
  const id = await tenant.addResource(tenant.closed, tenant.owner, 'model', 'kept');
  const page = await as(tenant.owner);
  await visit(page, settingsPath(tenant.closed));
  const deletion = page.getByRole('region', { name: 'Delete project' });
  await expect(deletion).toContainText('It still has 1 resource: delete it first.');
  await expect(deletion.getByRole('button', { name: 'Delete project' })).toBeHidden();
  await deletion.getByRole('link', { name: 'Go to its resources' }).click();
  await expect(page).toHaveURL(projectPath(tenant.closed));
  const one = await ResourceScreen.open(page, tenant.closed, 'models', id, 'kept');
  await one.deleteButton.click();
  await one.deleteDialog('kept').getByRole('button', { name: 'Delete Model' }).click();
  await expect(notice(page, 'The model kept was deleted.')).toBeVisible();
  await tenant.addKey(tenant.closed, tenant.owner, 'CI');
  await visit(page, settingsPath(tenant.closed));
  await expect(deletion).toContainText('Its API key stops working at once.');
  await page.getByLabel(`Type ${tenant.closed.slug} to confirm`).fill(tenant.closed.slug);
  await page.getByRole('button', { name: 'Delete project' }).click();
  await expect(notice(page, 'Production was deleted.')).toBeVisible();
});

test('P4: a resource that comes at the last moment keeps the project', async ({ as, guard, tenant }) => {
  guard.allowStatus(409);
  const page = await as(tenant.owner);
  await visit(page, settingsPath(tenant.closed));
  await page.getByLabel(`Type ${tenant.closed.slug} to confirm`).fill(tenant.closed.slug);
  await tenant.addResource(tenant.closed, tenant.owner, 'model', 'late');
  await page.getByRole('button', { name: 'Delete project' }).click();
  // With scripts the form says it; without, the page that comes back has the reason in the form's place.
  await expect(page.getByRole('main')).toContainText(/still has (resources|1 resource)/);
});

test('every kind has its list and its form @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.manager);
  for (const [kind, name] of Object.entries(KINDS)) {
    const screen = await ResourcesScreen.open(page, tenant.open, kind as keyof typeof KINDS);
    await screen.createButton.click();
    await expect(screen.field('Name')).toBeVisible();
    await expect(screen.field('State')).toBeVisible();
    await screen.createDialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(screen.createDialog, name).toBeHidden();
  }
});

test('N5: an empty list says what to do next, or whom to ask @scripts', async ({ as, tenant }) => {
  const { manager, member, open } = tenant;
  await tenant.add(open, member);
  const page = await as(manager);
  await ResourcesScreen.open(page, open, 'clusters');
  await page.getByRole('button', { name: 'Create Cluster' }).last().click();
  await expect(page.getByRole('dialog', { name: 'Create Cluster' })).toBeVisible();
  const reading = await ResourcesScreen.open(await as(member), open, 'clusters');
  await expect(reading.page.getByText('Ask an Admin of the project to create the first cluster.')).toBeVisible();
});

test('a resource’s pages belong to the overview in the navigation @scripts', async ({ as, tenant }) => {
  const id = await tenant.addResource(tenant.open, tenant.manager, 'file', 'data');
  const page = await as(tenant.manager);
  const current = page.getByRole('navigation', { name: 'Main' }).locator('[aria-current]');
  for (const path of [resourcesPath(tenant.open, 'files'), `${resourcesPath(tenant.open, 'files')}/${id}`]) {
    await visit(page, path);
    await expect(current).toHaveText('Overview');
  }
  await expect(page).toHaveTitle(`data · Files · ${tenant.open.name} · Roster`);
});

test('a filter that there isn’t leads back to the list @scripts', async ({ as, guard, tenant }) => {
  guard.allowStatus(400);
  const page = await as(tenant.manager);
  expect(await visit(page, `${resourcesPath(tenant.open, 'files')}?state=bogus`)).toBe(400);
  await page.getByRole('link', { name: 'Open the page without it' }).click();
  await expect(page).toHaveURL(resourcesPath(tenant.open, 'files'));
  await expect(page.getByRole('heading', { name: 'Files', level: 1 })).toBeVisible();
});

test('who had a resource open is told that it was deleted', { tag: '@scripts' }, async ({ as, guard, tenant }) => {
  guard.allowStatus(404);
  const { manager, open } = tenant;
  const id = await tenant.addResource(open, manager, 'file', 'data', { details: { purpose: 'batch', size_bytes: 1 } });
  const looking = await ResourceScreen.open(await as(tenant.admin), open, 'files', id, 'data');
  await looking.field('Name').fill('data-2');
  await looking.save.click();
  await expect(notice(looking.page, 'Your changes to data-2 were saved.')).toBeVisible();
  const doing = await ResourceScreen.open(await as(manager), open, 'files', id, 'data-2');
  await doing.deleteButton.click();
  await doing.deleteDialog('data-2').getByRole('button', { name: 'Delete File' }).click();
  await expect(looking.page.getByRole('heading', { name: 'This file was deleted', level: 1 })).toBeVisible();
  await expect(notice(looking.page, 'were saved')).toBeHidden();
  await looking.page.getByRole('link', { name: 'Go to files' }).click();
  await expect(looking.page).toHaveURL(resourcesPath(open, 'files'));
});

test.describe('the back button', { tag: '@scripts' }, () => {
  test('leads away from a list at once after a dialog was closed, however it was', async ({ as, tenant }) => {
    const { manager, open } = tenant;
    const page = await as(manager);
    await visit(page, projectPath(open));
    const screen = new ResourcesScreen(page, open, 'files');
    const closings: (() => Promise<void>)[] = [
      () => screen.createDialog.getByRole('button', { name: 'Cancel' }).click(),
      () => page.keyboard.press('Escape'),
      async () => {
        await screen.field('Name').fill('new.jsonl');
        await screen.field('Size in bytes').fill('1');
        await screen.create.click();
      },
      () => page.goBack().then(() => {}),
    ];
    for (const close of closings) {
      await page.getByRole('main').getByRole('link', { name: 'Files' }).click();
      await screen.expectShown();
      await screen.createButton.click();
      await expect(screen.field('Name')).toBeFocused();
      await close();
      await expect(screen.createDialog).toBeHidden();
      await expect(page).toHaveURL(resourcesPath(open, 'files'));
      await page.goBack();
      await expect(page).toHaveURL(projectPath(open));
      await expect(page.getByRole('heading', { name: open.name, level: 1 })).toBeVisible();
    }
  });

  test('closes a dialog that was opened a second time; a link to a dialog closes to its page', async ({
    as,
    tenant,
  }) => {
    const screen = await ResourcesScreen.open(await as(tenant.manager), tenant.open, 'files', '?dialog=create');
    await screen.createDialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(screen.createDialog).toBeHidden();
    await expect(screen.page).toHaveURL(resourcesPath(tenant.open, 'files'));

    for (let time = 0; time < 2; time++) {
      await screen.createButton.click();
      await expect(screen.page).toHaveURL(/dialog=create/);
      await screen.page.keyboard.press('Escape');
      await expect(screen.createDialog).toBeHidden();
    }
    await screen.createButton.click();
    await screen.page.goBack();
    await expect(screen.createDialog).toBeHidden();
    await expect(screen.page).toHaveURL(resourcesPath(tenant.open, 'files'));
  });

  test('does not lead to what was deleted', async ({ as, tenant }) => {
    const { manager, open } = tenant;
    await tenant.addResource(open, manager, 'file', 'data', { details: { purpose: 'batch', size_bytes: 1 } });
    const page = await as(manager);
    await visit(page, projectPath(open));
    await page.getByRole('main').getByRole('link', { name: 'data', exact: true }).click();
    const one = new ResourceScreen(page);
    await one.deleteButton.click();
    await one.deleteDialog('data').getByRole('button', { name: 'Delete File' }).click();
    await expect(notice(page, 'The file data was deleted.')).toBeVisible();
    await expect(page).toHaveURL(resourcesPath(open, 'files'));
    await expect(page.getByRole('heading', { name: 'Files', level: 1 })).toBeFocused();
    await page.goBack();
    await expect(page).toHaveURL(projectPath(open));
    await expect(page.getByRole('heading', { name: open.name, level: 1 })).toBeVisible();
  });
});

test.describe('in New York', { tag: '@scripts' }, () => {
  test.use({ timezoneId: 'America/New_York', locale: 'en-US' });

  test('N4: a time says which zone it is in, and UTC is at hand without a mouse', async ({ as, tenant }) => {
    const id = await tenant.addResource(tenant.open, tenant.manager, 'file', 'data');
    await tenant.database.query(`UPDATE resources SET created_at = '2026-01-15T03:21:00Z' WHERE id = $1`, [id]);
    const screen = await ResourceScreen.open(await as(tenant.manager), tenant.open, 'files', id, 'data');
    const created = screen.fact('Created').getByRole('time');
    await expect(created).toHaveText('14 Jan 2026, 22:21 EST');
    await created.focus();
    const beside = await created.evaluate((time) => getComputedStyle(time, '::after').content);
    expect(beside).toContain('15 Jan 2026, 03:21 UTC');
  });
});

test('what somebody else registers appears by itself', { tag: '@scripts' }, async ({ as, tenant }) => {
  const { manager, open } = tenant;
  const looking = await ResourcesScreen.open(await as(tenant.admin), open, 'files');
  await expect(looking.page.getByRole('heading', { name: 'No files yet' })).toBeVisible();
  const doing = await ResourcesScreen.open(await as(manager), open, 'files');
  await doing.createButton.click();
  await doing.field('Name').fill('new.jsonl');
  await doing.field('Size in bytes').fill('1');
  await doing.create.click();
  await expect(notice(doing.page, 'new.jsonl')).toBeVisible();
  await looking.expectNames('new.jsonl');
});
