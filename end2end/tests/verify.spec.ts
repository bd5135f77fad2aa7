import type { Page } from '@playwright/test';

import { expect, linkIn, SOON, test } from '../fixtures/mailing.ts';
import { InvitationPage, InvitationsScreen, MembersScreen } from '../fixtures/organization.ts';
import { awake, CollaboratorsScreen, expectFieldError, notice, signIn, visit } from '../fixtures/pages.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { test as withoutMail } from '../fixtures/test.ts';

const NEW = 'a long enough password';

async function signUp(page: Page, name: string, email: string, password: string): Promise<void> {
  await visit(page, '/sign-up');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign up' }).click();
}

// One after the other: what waits in the outbox of the database is everybody's to deliver.
test.describe.configure({ mode: 'default', timeout: 60_000 });

test.describe('with a mail server', () => {
  test('J1 J2 J4: who signed up is added only once their address is verified, by the button alone', async ({
    as,
    browse,
    mailing,
    post,
    tenant,
  }) => {
    const email = tenant.address('carla');
    const page = await browse();
    await signUp(page, 'Carla Chief', email, NEW);
    await expect(page.getByRole('heading', { name: 'Check your mail' })).toBeVisible();
    await expect(page.getByRole('main')).toContainText(`We’ve sent a link to ${email}.`);
    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    const [mail] = post.to(email);
    expect(mail?.subject).toBe('Verify your address for Roster');
    expect(mail?.text).not.toContain('Carla');
    const link = linkIn(mail, mailing.url);

    const collaborators = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await collaborators.add(email);
    await expectFieldError(collaborators.email, /No account has this address/);

    // The account works meanwhile.
    await signIn(page, { email }, NEW);
    await visit(page, '/settings/profile');
    await expect(page.getByRole('heading', { name: 'Address not verified' })).toBeVisible();
    await page.getByRole('button', { name: 'Resend' }).click();
    await expect(notice(page, 'A link to verify your address is on its way')).toBeVisible();
    await expect.poll(() => post.to(email).length, SOON).toBe(2);

    // Opening the link proves nothing: mail scanners do.
    expect((await page.request.get(link)).status()).toBe(200);
    expect(await tenant.isProved(email)).toBe(false);
    await visit(page, link);
    await expect(page.getByLabel('Password')).toBeHidden();
    await page.getByRole('button', { name: 'Verify address' }).click();
    await expect(notice(page, 'Your address is verified.')).toBeVisible();
    await awake(page);
    expect(await tenant.isProved(email)).toBe(true);

    const again = await CollaboratorsScreen.open(collaborators.page, tenant.open);
    await again.add(email);
    await expect(notice(again.page, 'Carla Chief was added as a Member.')).toBeVisible();
  });

  test('X6: signing up says the same of an address with an account; the mail says which', async ({
    browse,
    post,
    tenant,
  }) => {
    const said: string[] = [];
    for (const email of [tenant.address('nobody'), tenant.member.email]) {
      const page = await browse();
      await signUp(page, 'Somebody', email, NEW);
      await expect(page.getByRole('heading', { name: 'Check your mail' })).toBeVisible();
      said.push(((await page.getByRole('main').textContent()) ?? '').replace(email, 'EMAIL'));
    }
    expect(said[0]).toBe(said[1]);
    await expect.poll(() => post.to(tenant.member.email).length, SOON).toBe(1);
    expect(post.to(tenant.member.email)[0]?.text).toContain(
      'The address has an account already, so nothing was changed.',
    );
    await signIn(await browse(), tenant.member, PASSWORD);
  });

  test('J3: an account that a stranger made becomes its address’s, and the stranger keeps nothing of it', async ({
    browse,
    guard,
    mailing,
    post,
    tenant,
  }) => {
    // The stranger's open page asks anew, and is signed out.
    guard.allowStatus(401);
    const email = tenant.address('carla');
    const [stranger, carla] = [await browse(), await browse()];
    await signUp(stranger, 'Carla Chief', email, PASSWORD);
    await expect(stranger.getByRole('heading', { name: 'Check your mail' })).toBeVisible();
    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    const [verification] = post.to(email);
    await signIn(stranger, { email }, PASSWORD);
    const made = await tenant.database.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
    const person = { id: made.rows[0]?.id ?? '', name: 'Carla Chief', email };
    const own = await tenant.database.query<{ organization_id: string; project_id: string }>(
      'SELECT organization_id, project_id FROM access WHERE user_id = $1',
      [person.id],
    );
    await tenant.database.query(
      `INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by, created_at)
       VALUES ($1, $2, gen_random_uuid(), 'back-door', 'use', 'rsk_seed', '1234', $3, now())`,
      [own.rows[0]?.organization_id, own.rows[0]?.project_id, person.id],
    );

    await visit(carla, linkIn(verification, mailing.url));
    await expect(carla.getByRole('main')).toContainText('This account was made before its address was verified.');
    await carla.getByLabel('Password').fill('short');
    await carla.getByRole('button', { name: 'Verify address' }).click();
    await expectFieldError(carla.getByLabel('Password'), /Use 12 to 256 characters/);
    await awake(carla);
    await carla.getByLabel('Password').fill(NEW);
    await carla.getByRole('button', { name: 'Verify address' }).click();
    await expect(carla.getByRole('heading', { name: 'API keys you created', level: 1 })).toBeVisible();
    await expect(notice(carla, 'the account is yours alone')).toBeVisible();
    await awake(carla);
    await carla.getByRole('checkbox', { name: /Revoke back-door/ }).check();
    await carla.getByRole('button', { name: 'Revoke chosen keys' }).click();
    await expect(notice(carla, '1 API key was revoked. It no longer works.')).toBeVisible();
    await expect(carla.getByRole('main')).toContainText('None of the API keys you created works any more');

    await visit(stranger, '/settings/profile');
    await expect(stranger).toHaveURL(/\/sign-in/);
    await signIn(await browse(), { email }, NEW);
  });

  test('J5 J7: another address is proved first; the old one is told, and takes the account back', async ({
    as,
    browse,
    database,
    guard,
    mailing,
    post,
    tenant,
  }) => {
    // The page of whoever changed it asks anew, and is signed out.
    guard.allowStatus(401);
    const [old, email] = [tenant.member.email, tenant.address('elsewhere')];
    const page = await as(tenant.member);
    await database.query("UPDATE sessions SET confirmed_at = now() - interval '11 minutes' WHERE user_id = $1", [
      tenant.member.id,
    ]);
    await visit(page, '/settings/profile');
    const field = page.getByLabel('New email');
    const change = page.getByRole('button', { name: 'Change email' });
    await field.fill('elsewhere');
    await change.click();
    await expectFieldError(field, /Enter an email address/);
    await awake(page);
    await field.fill(email);
    await change.click();
    const password = page.getByRole('group', { name: 'Confirm it’s you' }).getByLabel('Password');
    await expect(field).toHaveValue(email);
    await awake(page);
    await password.fill(PASSWORD);
    await change.click();
    await expect(notice(page, `A link to confirm the change is on its way to ${email}.`)).toBeVisible();
    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    const link = linkIn(post.to(email)[0], mailing.url);

    // Whoever else has the link can do nothing with it.
    const other = await as(tenant.manager);
    await visit(other, link);
    await expect(other.getByRole('main')).toContainText('another account asked for this');
    await expect(other.getByRole('button', { name: 'Change email' })).toBeHidden();
    const nobody = await browse();
    await visit(nobody, link);
    await nobody.getByRole('link', { name: 'Sign in' }).click();
    await nobody.getByLabel('Email').fill(old);
    await nobody.getByLabel('Password').fill(PASSWORD);
    await nobody.getByRole('button', { name: 'Sign in' }).click();
    await expect(nobody.getByRole('main')).toContainText(`Your account will have the address ${email}`);
    await nobody.getByRole('button', { name: 'Change email' }).click();
    await expect(notice(nobody, `Your address is ${email} now.`)).toBeVisible();

    await expect
      .poll(() => post.to(old).filter((mail) => mail.subject === 'Your Roster address was changed').length, SOON)
      .toBe(1);
    const undo = linkIn(
      post.to(old).find((mail) => mail.subject === 'Your Roster address was changed'),
      mailing.url,
    );
    const owner = await browse();
    await visit(owner, undo);
    await expect(owner.getByRole('main')).toContainText(`It gets ${old} back.`);
    await owner.getByLabel('New password').fill('short');
    await owner.getByRole('button', { name: 'Undo change' }).click();
    await expectFieldError(owner.getByLabel('New password'), /Use 12 to 256 characters/);
    await awake(owner);
    await owner.getByLabel('New password').fill(NEW);
    await owner.getByRole('button', { name: 'Undo change' }).click();
    await expect(owner.getByRole('heading', { name: 'API keys you created', level: 1 })).toBeVisible();
    await expect(notice(owner, 'your account are yours again')).toBeVisible();
    await visit(nobody, '/settings/profile');
    await expect(nobody).toHaveURL(/\/sign-in/);
    await signIn(await browse(), { email: old }, NEW);
  });
});

withoutMail.describe('without a mail server', () => {
  withoutMail(
    'J4: the operator verifies addresses, and sign-up, profile and members’ list say so',
    async ({ as, browse, tenant }) => {
      const page = await browse();
      await visit(page, '/sign-up');
      await expect(page.getByRole('main')).toContainText(
        'This console sends no mail: whoever runs it verifies your address.',
      );
      await tenant.doubt(tenant.member);
      const member = await as(tenant.member);
      await visit(member, '/settings/profile');
      await expect(member.getByRole('main')).toContainText('ask whoever runs it to verify your address');
      await expect(member.getByRole('button', { name: 'Resend' })).toBeHidden();
      await expect(member.getByRole('main')).toContainText('ask whoever runs it to change your address');
      const members = await MembersScreen.open(await as(tenant.admin), tenant.organization);
      await expect(members.row(tenant.member)).toContainText('Address not verified');
      await expect(members.row(tenant.manager)).not.toContainText('Address not verified');
      await expect(members.page.getByRole('main')).toContainText('roster admin user verify EMAIL');
      // Inside the organization that invited them they are added as ever, and marked.
      const collaborators = await CollaboratorsScreen.open(members.page, tenant.open);
      await collaborators.add(tenant.member.email);
      await expect(collaborators.row(tenant.member)).toContainText('Address not verified');
    },
  );

  withoutMail(
    'M4: a copied link asks for the address before it says anything of it',
    async ({ as, browse, tenant }) => {
      const email = tenant.address('nina');
      const link = await (
        await InvitationsScreen.open(await as(tenant.admin), tenant.organization)
      ).inviting.inviteOne(email);
      const page = await browse();
      const invitation = await InvitationPage.open(page, link, tenant.organization);
      await expect(invitation.accept).toBeHidden();
      expect(await page.content()).not.toContain(email);
      const field = page.getByLabel('Email');
      await field.fill(tenant.outsider.email);
      await page.getByRole('button', { name: 'Continue' }).click();
      await expectFieldError(field, /This isn’t the address that was invited/);
      await awake(page);
      await field.fill(` ${email.toUpperCase()} `);
      await page.getByRole('button', { name: 'Continue' }).click();
      await expect(page.getByRole('main')).toContainText('Have an account with this address?');
      await awake(page);
      await invitation.acceptAs('Nina Nova', NEW);
      await invitation.expectJoined(tenant.organization);
      expect(await tenant.isProved(email)).toBe(false);
    },
  );
});
