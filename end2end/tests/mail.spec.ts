import { InvitationPage, invitationsPath, InvitationsScreen } from '../fixtures/organization.ts';
import { expectFieldError, notice, signIn, visit } from '../fixtures/pages.ts';
import { MailServer } from '../fixtures/mail.ts';
import { expect, linkIn, SOON, test } from '../fixtures/mailing.ts';
import { PASSWORD } from '../fixtures/tenant.ts';

const NEW = 'a long enough password';
// One after the other: what waits in the outbox of the database is everybody's to deliver.
test.describe.configure({ mode: 'default', timeout: 60_000 });

test.describe('mail', { tag: '@scripts' }, () => {
  test('M2 M4: an invitation comes by mail, and its link makes a member', async ({
    as,
    browse,
    mailing,
    post,
    tenant,
  }) => {
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.button.click();
    await expect(screen.inviting.dialog).not.toContainText('sends no mail');
    await screen.inviting.email.fill(email);
    await screen.inviting.send.click();
    await expect(screen.inviting.dialog).toContainText(
      'The invitation is on its way. You can pass on the link yourself as well:',
    );
    const shown = new URL(await screen.inviting.link.inputValue()).pathname;
    await screen.inviting.done.click();

    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    const [mail] = post.to(email);
    expect(mail?.from).toBe('roster@acme.test');
    expect(mail?.to).toEqual([email]);
    expect(mail?.subject).toBe(`An invitation to join an organization on ${new URL(mailing.url).hostname}`);
    expect(mail?.text).toContain(
      `“${tenant.admin.name}” invites you to join the organization “${tenant.organization.name}” on Roster.`,
    );
    expect(mail?.text).toContain(`The link is for ${email} and works once, until `);
    expect(mail?.text).toContain('If you didn’t expect it, do nothing.');
    // Live: the state of the mail, without a reload.
    await expect(screen.of(email)).toContainText('Mail sent', SOON);

    // Both the mailed link and the one that was shown work, until one of them was used.
    const mailed = linkIn(mail, mailing.url);
    expect(mailed).not.toBe(shown);
    const page = await browse();
    await InvitationPage.open(page, shown, tenant.organization, email);
    const invitation = await InvitationPage.open(page, mailed, tenant.organization);
    await invitation.acceptAs('Nina Nova', NEW);
    await invitation.expectJoined(tenant.organization);
    await InvitationPage.open(page, shown, tenant.organization);
    await expect(page.getByRole('main')).toContainText('You accepted this invitation already.');
  });

  test('M2: names of every kind arrive as they are, and make no header of their own', async ({
    as,
    mailing,
    post,
    tenant,
  }) => {
    const email = tenant.address('nina');
    const name = 'Żółć & “Söhne”, 日本語 <b> ='.padEnd(100, 'Ω');
    await tenant.renameOrganization(name);
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.inviteOne(email);
    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    const [mail] = post.to(email);
    expect(mail?.subject).toBe(`An invitation to join an organization on ${new URL(mailing.url).hostname}`);
    expect(mail?.text).toContain('join the organization “Żółć & "Söhne", 日本語 <b> =ΩΩ');
    linkIn(mail, mailing.url);
  });

  test('M2: each of several gets a mail of their own', async ({ as, mailing, post, tenant }) => {
    const emails = ['nina', 'omar', 'pia'].map((name) => tenant.address(name));
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.invite(emails.join(', '));
    await expect(screen.inviting.dialog).toContainText('The invitations are on their way.');
    const links = new Set<string>();
    for (const email of emails) {
      await expect.poll(() => post.to(email).length, SOON).toBe(1);
      expect(post.to(email)[0]?.to).toEqual([email]);
      links.add(linkIn(post.to(email)[0], mailing.url));
    }
    expect(links.size).toBe(3);
  });

  test('M3: sent again, a second mail comes, and the first one’s link is dead', async ({
    as,
    browse,
    guard,
    mailing,
    post,
    tenant,
  }) => {
    guard.allowStatus(404);
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.inviteOne(email);
    await expect.poll(() => post.to(email).length, SOON).toBe(1);
    await screen.resend(email);
    await expect.poll(() => post.to(email).length, SOON).toBe(2);
    const [first, second] = post.to(email).map((mail) => linkIn(mail, mailing.url));
    const page = await browse();
    expect(await visit(page, first ?? '')).toBe(404);
    const invitation = await InvitationPage.open(page, second ?? '', tenant.organization);
    await invitation.acceptAs('Nina Nova', NEW);
    await invitation.expectJoined(tenant.organization);
  });

  test('M2: while the mail server is down the screen says so; once it is up the mail comes, once and only once', async ({
    as,
    mailing,
    tenant,
  }) => {
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.inviteOne(email);
    await expect(screen.of(email)).toContainText('Mail not taken yet, trying again', SOON);
    await expect(screen.of(email).getByRole('cell').nth(1)).toHaveText('Pending');

    const post = await MailServer.start(mailing.port);
    try {
      await expect.poll(() => post.to(email).length, { timeout: 40_000 }).toBe(1);
      await expect(screen.of(email)).toContainText('Mail sent', SOON);
      linkIn(post.to(email)[0], mailing.url);
      // It would be tried again every few seconds if it were not known to be sent.
      await screen.page.waitForTimeout(5_000);
      expect(post.to(email)).toHaveLength(1);
    } finally {
      await post.stop();
    }
  });

  test('M3: an invitation revoked before its mail was taken is not mailed', async ({ as, mailing, tenant }) => {
    const [email, other] = [tenant.address('nina'), tenant.address('omar')];
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await screen.inviting.inviteOne(email);
    await expect(screen.of(email)).toContainText('Mail not taken yet, trying again', SOON);
    await screen.revokeButton(email).click();
    await expect(notice(screen.page, 'was revoked')).toBeVisible();
    await visit(screen.page, invitationsPath(tenant.organization));
    const post = await MailServer.start(mailing.port);
    try {
      await screen.inviting.inviteOne(other);
      await expect.poll(() => post.to(other).length, SOON).toBe(1);
      await screen.page.waitForTimeout(5_000);
      expect(post.to(email)).toEqual([]);
    } finally {
      await post.stop();
    }
  });

  test('a forgotten password is replaced by a mailed link, once, and every session ends', async ({
    as,
    browse,
    guard,
    mailing,
    post,
    tenant,
  }) => {
    guard.allowStatus(404, 410);
    const { member } = tenant;
    const elsewhere = await as(member);
    await visit(elsewhere, '/settings/profile');
    const page = await browse();
    await visit(page, '/sign-in');
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await page.getByLabel('Email').fill(` ${member.email.toUpperCase()} `);
    await page.getByRole('button', { name: 'Send link' }).click();
    await expect(page.getByRole('status')).toContainText(
      'If an account has this address, a mail with a link is on its way.',
    );

    await expect.poll(() => post.to(member.email).length, SOON).toBe(1);
    const [mail] = post.to(member.email);
    expect(mail?.subject).toBe('A new password for Roster');
    expect(mail?.text).toContain(`Hello “${member.name}”,`);
    expect(mail?.text).toContain('your password stays as it is');
    const link = linkIn(mail, mailing.url);
    // Opening it changes nothing yet: mail scanners do.
    expect((await page.request.get(link)).status()).toBe(200);
    await visit(page, link);
    await expect(page.getByRole('heading', { name: 'Choose a new password' })).toBeVisible();
    await expect(page.getByRole('main')).toContainText(member.email);
    const password = page.getByLabel('New password', { exact: true });
    await password.fill('short');
    await page.getByRole('button', { name: 'Save' }).click();
    await expectFieldError(password, /Use 12 to 256 characters/);
    await visit(page, link);
    await password.fill(NEW);
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('button', { name: `Account: ${member.name}` })).toBeVisible();
    await expect(notice(page, 'Your password was changed. You were signed out everywhere else.')).toBeVisible();

    await visit(elsewhere, '/settings/profile');
    await expect(elsewhere).toHaveURL(/\/sign-in/);
    await elsewhere.getByLabel('Email').fill(member.email);
    await elsewhere.getByLabel('Password').fill(PASSWORD);
    await elsewhere.getByRole('button', { name: 'Sign in' }).click();
    await expect(elsewhere.getByRole('alert')).toContainText('Email or password is wrong.');
    await signIn(await browse(), member, NEW);
    const again = await browse();
    expect(await visit(again, link)).toBeGreaterThanOrEqual(400);
    await expect(again.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();
  });

  test('a second link to a new password ends the first one; one that is too old is dead', async ({
    browse,
    guard,
    mailing,
    post,
    tenant,
  }) => {
    guard.allowStatus(404, 410);
    const { member } = tenant;
    const page = await browse();
    const links: string[] = [];
    for (const count of [1, 2]) {
      // As if the one before had been asked for more than 15 minutes ago: within that, no second mail is sent.
      await tenant.database.query(`DELETE FROM attempts WHERE bucket = 'password_reset mail ' || $1`, [member.email]);
      await visit(page, '/forgot-password');
      await page.getByLabel('Email').fill(member.email);
      await page.getByRole('button', { name: 'Send link' }).click();
      await expect.poll(() => post.to(member.email).length, SOON).toBe(count);
      links.push(linkIn(post.to(member.email).at(-1), mailing.url));
    }
    await visit(page, links[1] ?? '');
    await page.getByLabel('New password', { exact: true }).fill(NEW);
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('button', { name: `Account: ${member.name}` })).toBeVisible();
    const other = await browse();
    expect(await visit(other, links[0] ?? '')).toBeGreaterThanOrEqual(400);
    await expect(other.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();

    await visit(other, '/forgot-password');
    await other.getByLabel('Email').fill(tenant.manager.email);
    await other.getByRole('button', { name: 'Send link' }).click();
    await expect.poll(() => post.to(tenant.manager.email).length, SOON).toBe(1);
    await tenant.database.query(
      `UPDATE password_reset_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
      [tenant.manager.id],
    );
    expect(await visit(other, linkIn(post.to(tenant.manager.email)[0], mailing.url))).toBeGreaterThanOrEqual(400);
  });

  test('X6: an unknown address gets the same answer, and no mail', async ({ browse, post, tenant }) => {
    const page = await browse();
    const unknown = tenant.address('nobody');
    const said: string[] = [];
    for (const email of [unknown, tenant.member.email]) {
      await visit(page, '/forgot-password');
      await page.getByLabel('Email').fill(email);
      await page.getByRole('button', { name: 'Send link' }).click();
      await expect(page.getByRole('status')).toContainText('If an account has this address');
      said.push((await page.getByRole('main').textContent()) ?? '');
      await expect(page.getByRole('alert')).toBeEmpty();
    }
    expect(said[0]).toBe(said[1]);
    await expect.poll(() => post.to(tenant.member.email).length, SOON).toBe(1);
    expect(post.to(unknown)).toEqual([]);
  });
});
