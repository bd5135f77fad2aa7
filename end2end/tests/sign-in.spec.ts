import { expectFieldError, notFound, profileForms, signIn, signOut, visit } from '../fixtures/pages.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

const WRONG = 'Email or password is wrong. Check both and try again.';

test('a person signs in, sees their project, and signs out', async ({ page, tenant }) => {
  await signIn(page, tenant.manager);
  await expect(page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();

  await signOut(page, tenant.manager);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await visit(page, `/projects/${tenant.open.slug}`);
  await expect(page).toHaveURL(/\/sign-in/);
});

test('upper case and spaces in the address do not keep anybody out @scripts', async ({ page, tenant }) => {
  await signIn(page, { email: ` ${tenant.manager.email.toUpperCase()} ` });
  await expect(page.getByRole('button', { name: `Account: ${tenant.manager.name}` })).toBeVisible();
});

test('N3: a wrong password and an unknown address get the same words, and the address typed is kept', async ({
  page,
  tenant,
}) => {
  const attempts = [tenant.manager.email, `nobody-${tenant.tag}@roster.test`];
  await visit(page, '/sign-in');
  for (const email of attempts) {
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill('not-the-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toHaveText(WRONG);
    await expect(page.getByLabel('Email')).toHaveValue(email);
    await expect(page.getByLabel('Password')).toHaveValue('');
  }
});

test('signing in leads to where somebody was on the way to, query included, even after a wrong password', async ({
  page,
  tenant,
}) => {
  const path = `/settings/projects/${tenant.open.slug}/collaborators?q=maya&role=admin`;
  await visit(page, path);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  const send = async (password: string): Promise<void> => {
    await page.getByLabel('Email').fill(tenant.manager.email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  await send('not-the-password');
  await expect(page.getByRole('alert')).toHaveText(WRONG);
  await send(PASSWORD);
  await expect(page).toHaveURL(path);
  await expect(page.getByRole('searchbox')).toHaveValue('maya');
});

test('O2 D1: who signs up gets an organization of their own with a Default Project @scripts', async ({
  page,
  tenant,
}) => {
  const email = `new-${tenant.tag}@roster.test`;
  await visit(page, '/sign-in');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill('Nina Nova');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill('a long enough password');
  await page.getByRole('button', { name: 'Sign up' }).click();

  await expect(page.getByRole('heading', { name: 'Default Project', level: 1 })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('Nina Nova’s organization');
  await expect(page.getByRole('button', { name: 'Account: Nina Nova' })).toBeVisible();
});

test('N3: signing up with an address that is taken, no name or a short password says so beside the field and keeps what was typed', async ({
  page,
  tenant,
}) => {
  const [name, email, password] = [page.getByLabel('Name'), page.getByLabel('Email'), page.getByLabel('Password')];
  const send = async (typed: { name: string; email: string; password: string }): Promise<void> => {
    await name.fill(typed.name);
    await email.fill(typed.email);
    await password.fill(typed.password);
    await page.getByRole('button', { name: 'Sign up' }).click();
  };
  await visit(page, '/sign-up');

  await send({ name: 'Nina Nova', email: tenant.member.email.toUpperCase(), password: 'a long enough password' });
  await expectFieldError(email, /An account has this address already/);
  await expect(name).toHaveValue('Nina Nova');
  await expect(email).toHaveValue(tenant.member.email.toUpperCase());
  await expect(password).toHaveValue('');

  await send({ name: '   ', email: `new-${tenant.tag}@roster.test`, password: 'a long enough password' });
  await expectFieldError(name, /Enter a name of 1 to 100 characters/);
  await expect(email).toHaveValue(`new-${tenant.tag}@roster.test`);

  await send({ name: 'Nina Nova', email: `new-${tenant.tag}@roster.test`, password: 'too short' });
  await expectFieldError(password, /Use 12 to 256 characters/);
});

test('N3: a new password needs the one in force; it ends every other session, and it alone signs in', async ({
  as,
  guard,
  page,
  tenant,
}) => {
  guard.allowStatus(422);
  const [here, elsewhere] = [await as(tenant.member), await as(tenant.member)];
  await visit(elsewhere, '/settings/profile');
  await visit(here, '/settings/profile');
  const [current, next] = [here.getByLabel('Current password'), here.getByLabel('New password')];
  const save = profileForms(here).password.getByRole('button', { name: 'Save' });
  await current.fill('not the password');
  await next.fill('another good password');
  await save.click();
  await expectFieldError(current, 'This isn’t your current password.');
  await current.fill(PASSWORD);
  await next.fill('short');
  await save.click();
  await expectFieldError(next, /Use 12 to 256 characters/);

  await current.fill(PASSWORD);
  await next.fill('another good password');
  await save.click();
  await expect(here.getByRole('status').filter({ hasText: 'Your password was changed.' })).toBeVisible();

  await visit(elsewhere, '/settings/profile');
  await expect(elsewhere).toHaveURL(/\/sign-in/);
  await visit(here, '/settings/profile');
  await expect(here.getByRole('heading', { name: 'Profile' })).toBeVisible();
  await signIn(page, tenant.member, 'another good password');
});

test('who signed out in one tab is signed out in the other, and sent back after signing in again @scripts', async ({
  as,
  tenant,
}) => {
  const page = await as(tenant.member);
  await visit(page, '/');
  const other = await page.context().newPage();
  await visit(other, '/settings/profile');
  await signOut(page, tenant.member);

  await visit(other, '/settings/profile');
  await expect(other).toHaveURL('/sign-in?next=%2Fsettings%2Fprofile');
});

test('who is signed in is not asked to sign in @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.member);
  for (const path of ['/sign-in', '/sign-up']) {
    await visit(page, path);
    await expect(page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
  }
});

test('an address that leads nowhere is a page that says so, with status 404 and a way out @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(404);
  const page = await as(tenant.member);
  expect(await visit(page, '/no/such/page')).toBe(404);
  await expect(notFound(page)).toBeVisible();
  await page.getByRole('link', { name: 'Go to your projects' }).click();
  await expect(page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
});

test('R1: the tables of roles are there for everybody, signed in or not @scripts', async ({ page }) => {
  await visit(page, '/docs/roles');
  const table = page.getByRole('table', { name: 'Project' });
  const row = table.getByRole('row').filter({ hasText: 'collaborator:add' });
  await expect(row.getByRole('cell').nth(0)).toHaveText('yes');
  await expect(row.getByRole('cell').nth(1)).toHaveText('no');
});
