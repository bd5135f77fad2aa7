import {
  deadLink,
  forbidden,
  InvitationPage,
  invitationsPath,
  InvitationsScreen,
  MembersScreen,
  membersPath,
  pathIn,
} from '../fixtures/organization.ts';
import {
  awake,
  expectFieldError,
  hasScripts,
  notFound,
  notice,
  projectPath,
  signIn,
  visit,
} from '../fixtures/pages.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

const GOOD = 'a long enough password';

test.describe('inviting', () => {
  test('M2 N3: an Admin invites one person, and gets a link to pass on; an error ends with its dialog', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    const email = tenant.address('nina');
    const { inviting, page } = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await inviting.button.click();
    await expect(inviting.dialog).toContainText(
      `becomes a Member of ${tenant.organization.name} and of its Default Project`,
    );
    await expect(inviting.dialog).toContainText('This console sends no mail: you get a link to pass on yourself.');
    await inviting.email.fill('not-an-address');
    await inviting.send.click();
    await expectFieldError(inviting.email, /Enter an email address/);
    await inviting.dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(inviting.dialog).toBeHidden();
    await inviting.button.click();
    await expect(inviting.email).not.toHaveAttribute('aria-invalid', 'true');
    await expect(inviting.email).toHaveValue('');
    await inviting.email.fill(email);
    await inviting.send.click();
    await expect(inviting.dialog.getByRole('status').first()).toHaveText(
      'Pass this link on to the person you invited:',
    );
    await pathIn(inviting.link);
    await inviting.done.click();
    await expect(inviting.dialog).toBeHidden();

    const screen = await InvitationsScreen.open(page, tenant.organization);
    await screen.expectEmails(email);
    await expect(screen.of(email).getByRole('cell').nth(1)).toHaveText('Pending');
    await expect(screen.of(email)).toContainText(`by ${tenant.admin.name}`);
    await expect(screen.of(email)).toContainText('Link to pass on');
    await expect(screen.of(email)).toContainText('Works until');
    // It is no member's address yet.
    expect(await tenant.memberRole(email)).toBeNull();
  });

  test('M2: the link is shown this once, and is in the browser’s clipboard after a click @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.admin);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const { inviting } = await InvitationsScreen.open(page, tenant.organization);
    await inviting.invite(tenant.address('nina'));
    await pathIn(inviting.link);
    await inviting.dialog.getByRole('button', { name: 'Copy' }).click();
    await expect(inviting.dialog.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await inviting.link.inputValue());
    await page.reload();
    await awake(page);
    await expect(inviting.link).toBeHidden();
  });

  test('M2 N3: several at once are each answered for', async ({ as, tenant }) => {
    const [nina, omar, invited] = [tenant.address('nina'), tenant.address('omar'), tenant.address('invited')];
    await tenant.invite(invited);
    const { inviting, page } = await InvitationsScreen.open(await as(tenant.owner), tenant.organization);
    await inviting.invite(
      `${nina}, ${omar};\n\n${tenant.member.email}\nnot-an-address ${invited} ${nina.toUpperCase()}`,
    );

    for (const email of [nina, omar]) {
      await pathIn(inviting.dialog.getByRole('textbox', { name: `Invitation link for ${email}` }));
    }
    await expect(inviting.dialog.getByRole('textbox', { name: /^Invitation link/ })).toHaveCount(2);
    const failed = inviting.dialog.getByRole('alert');
    await expect(failed).toContainText('These addresses were not invited:');
    await expect(failed.getByRole('listitem')).toHaveText([
      `${tenant.member.email} This person is a member of the organization already.`,
      'not-an-address Enter an email address, like name@example.com.',
      `${invited} This address has an open invitation. Send that one again instead.`,
    ]);
    await inviting.done.click();
    const screen = new InvitationsScreen(page, tenant.organization);
    await expect(screen.people).toHaveCount(3);
  });

  test('M2: 20 people at once are all invited, and each gets a link', async ({ as, tenant }) => {
    const emails = Array.from({ length: 20 }, (_, number) =>
      tenant.address(`person-with-a-rather-long-address-${number}`),
    );
    const { inviting, page } = await InvitationsScreen.open(await as(tenant.owner), tenant.organization);
    await inviting.invite(emails.join('\n'));
    const links = inviting.dialog.getByRole('textbox', { name: /^Invitation link/ });
    await expect(links).toHaveCount(20);
    await inviting.done.click();
    const screen = new InvitationsScreen(page, tenant.organization);
    await expect(screen.people).toHaveCount(20);
    await screen.resend(emails[7] ?? '');
  });

  test('M2 M3 N3: each error stands beside the field, and what was typed is kept', async ({ as, guard, tenant }) => {
    guard.allowStatus(409, 422);
    const invited = tenant.address('invited');
    await tenant.invite(invited);
    const { inviting } = await InvitationsScreen.open(await as(tenant.owner), tenant.organization);
    await inviting.button.click();
    const many = Array.from({ length: 21 }, (_, number) => `p${number}@roster.test`).join(' ');
    for (const [typed, error] of [
      ['not-an-address', 'Enter an email address, like name@example.com.'],
      ['', 'Enter an email address, like name@example.com.'],
      ['</textarea><b>x', 'Enter an email address, like name@example.com.'],
      [tenant.member.email, 'This person is a member of the organization already.'],
      [`  ${tenant.owner.email.toUpperCase()} `, 'This person is a member of the organization already.'],
      [invited, 'This address has an open invitation. Send that one again instead.'],
      [invited.toUpperCase(), 'This address has an open invitation. Send that one again instead.'],
      [many, 'Invite 20 addresses at most at once. Send the rest afterwards.'],
    ] as const) {
      await test.step(typed.slice(0, 30), async () => {
        await inviting.email.fill(typed);
        await inviting.send.click();
        await expectFieldError(inviting.email, new RegExp(error));
        await expect(inviting.email).toHaveValue(typed);
        // The same error twice: only an answer that has come lets the form be sent again.
        if (hasScripts()) {
          await expect(inviting.send).toHaveAttribute('aria-busy', 'false');
        }
      });
    }
    expect(await tenant.timesDoneInOrganization('member:invite')).toBe(0);

    // The right address at last.
    await inviting.email.fill(tenant.address('nina'));
    await inviting.send.click();
    await pathIn(inviting.link);
  });

  test('M2: a double click on Send Invitation invites once @scripts', async ({ as, tenant }) => {
    const { inviting } = await InvitationsScreen.open(await as(tenant.owner), tenant.organization);
    await inviting.button.click();
    await inviting.email.fill(tenant.address('nina'));
    await inviting.send.dblclick();
    await pathIn(inviting.link);
    await expect.poll(() => tenant.timesDoneInOrganization('member:invite')).toBe(1);
    expect(await tenant.invitations(tenant.address('nina'))).toEqual(['open']);
  });

  test('M2 R2: a Member is shown no way to invite, and no list @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(403);
    const page = await as(tenant.member);
    const screen = await MembersScreen.open(page, tenant.organization, '?dialog=invite');
    await expect(screen.inviting.button).toBeHidden();
    await expect(screen.inviting.dialog).toBeHidden();
    const navigation = page.getByRole('navigation', { name: 'Main' });
    await expect(navigation.getByRole('link', { name: 'Members' })).toBeVisible();
    await expect(navigation.getByRole('link', { name: 'Invitations' })).toBeHidden();
    expect(await visit(page, invitationsPath(tenant.organization))).toBe(403);
    await expect(forbidden(page)).toBeVisible();
    await expect(page.getByRole('main')).toContainText('Your role doesn’t permit this (member:invite).');
  });
});

test.describe('the list', () => {
  test('M3: it shows open invitations, searches addresses, and filters by state', async ({ as, tenant }) => {
    const { organization } = tenant;
    const [pending, expired, revoked] = [
      tenant.address('pending'),
      tenant.address('expired'),
      tenant.address('revoked'),
    ];
    const joining = await tenant.person('Ina Invited');
    for (const email of [pending, expired, revoked]) {
      await tenant.invite(email);
    }
    const link = await tenant.invite(joining.email);
    await tenant.lapse(expired);
    await (await InvitationPage.open(await as(joining), link, organization)).accept.click();
    const screen = await InvitationsScreen.open(await as(tenant.admin), organization);
    await expect(screen.people).toHaveCount(3);
    await screen.revokeButton(revoked).click();
    await expect(
      notice(screen.page, `The invitation for ${revoked} was revoked. Its link no longer works.`),
    ).toBeVisible();
    await expect(screen.of(revoked)).toBeHidden();
    await expect(screen.people).toHaveCount(2);

    await expect(screen.of(expired).getByRole('cell').nth(1)).toHaveText('Expired');
    for (const [state, email] of [
      ['Pending', pending],
      ['Expired', expired],
      ['Accepted', joining.email],
      ['Revoked', revoked],
    ] as const) {
      await screen.filter('State', state);
      await screen.expectEmails(email);
      await expect(screen.of(email).getByRole('cell').nth(1)).toHaveText(state);
      const isOpen = state === 'Pending' || state === 'Expired';
      await expect(screen.resendButton(email)).toBeVisible({ visible: isOpen });
      await expect(screen.revokeButton(email)).toBeVisible({ visible: isOpen });
    }
    await expect(screen.page).toHaveURL(/state=revoked/);
    await screen.filter('State', 'Open');
    await screen.find(expired.toUpperCase());
    await screen.expectEmails(expired);
    await screen.find('nobody-is-called-this');
    await expect(screen.page.getByRole('heading', { name: 'No invitation found' })).toBeVisible();
    await screen.page.getByRole('link', { name: 'Show open invitations' }).click();
    await expect(screen.people).toHaveCount(2);
  });

  test('M3: 60 invitations are paged, and none is missed or seen twice', async ({ as, tenant }) => {
    await Promise.all(Array.from({ length: 60 }, (_, number) => tenant.invite(tenant.address(`crowd-${number}`))));
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await expect(screen.people).toHaveCount(50);
    const seen = await screen.people.locator('bdi.person-name').allTextContents();
    await screen.page.getByRole('link', { name: 'Next page' }).click();
    await expect(screen.people).toHaveCount(10);
    seen.push(...(await screen.people.locator('bdi.person-name').allTextContents()));
    expect(new Set(seen).size).toBe(60);
  });
});

test.describe('sending again and revoking', () => {
  test('M3 N5: from an empty list, one is sent, and sent again: the new link works and the old one is dead', async ({
    as,
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await expect(screen.page.getByRole('heading', { name: 'No open invitations' })).toBeVisible();
    await expect(screen.inviting.button).toBeVisible();
    const old = await screen.inviting.inviteOne(email);
    const link = await screen.resend(email);
    expect(link).not.toBe(old);
    await screen.expectEmails(email);

    const page = await browse();
    expect(await visit(page, old)).toBe(404);
    await expect(deadLink(page)).toBeVisible();
    await expect(page.getByRole('main')).not.toContainText(tenant.organization.name);
    await (await InvitationPage.open(page, link, tenant.organization, email)).acceptAs('Nina Nova', GOOD);
    await new InvitationPage(page).expectJoined(tenant.organization);
  });

  test('M3: revoked while somebody looks at it, it cannot be accepted, and says why @scripts', async ({
    as,
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409, 410);
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    const link = await screen.inviting.inviteOne(email);
    const invitation = await InvitationPage.open(await browse(), link, tenant.organization, email);
    await screen.revokeButton(email).click();
    await expect(notice(screen.page, 'was revoked')).toBeVisible();

    await invitation.acceptAs('Nina Nova', GOOD);
    const why = 'This invitation was revoked. Ask an Admin of the organization for a new one.';
    await expect(invitation.page.getByRole('main')).toContainText(why);
    await expect(invitation.accept).toBeHidden();
    expect(await tenant.memberRole(email)).toBeNull();

    // Its address can be invited anew.
    const anew = await screen.inviting.inviteOne(email);
    await (await InvitationPage.open(invitation.page, anew, tenant.organization, email)).acceptAs('Nina Nova', GOOD);
    await invitation.expectJoined(tenant.organization);
    expect(await tenant.invitations(email)).toEqual(['revoked', 'accepted']);
  });

  test('M3: an expired one says so, does not block a new one, and works again once sent again @scripts', async ({
    as,
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const [nina, omar] = [tenant.address('nina'), tenant.address('omar')];
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    const old = await screen.inviting.inviteOne(nina);
    await screen.inviting.inviteOne(omar);
    await tenant.lapse(nina);
    await tenant.lapse(omar);
    const page = await browse();
    const invitation = await InvitationPage.open(page, old, tenant.organization);
    await expect(page.getByRole('main')).toContainText(
      'This invitation has expired. Ask whoever invited you to send it again.',
    );
    await expect(invitation.accept).toBeHidden();

    await visit(screen.page, invitationsPath(tenant.organization));
    await expect(screen.of(nina).getByRole('cell').nth(1)).toHaveText('Expired');
    const invitedAgain = await screen.inviting.inviteOne(nina);
    await expect(screen.of(nina).getByRole('cell').nth(1)).toHaveText('Pending');
    const sentAgain = await screen.resend(omar);
    await expect(screen.of(omar).getByRole('cell').nth(1)).toHaveText('Pending');
    await expect(screen.people).toHaveCount(2);
    expect(await visit(page, old)).toBe(404);

    await (await InvitationPage.open(page, invitedAgain, tenant.organization, nina)).acceptAs('Nina Nova', GOOD);
    await invitation.expectJoined(tenant.organization);
    const second = await InvitationPage.open(await browse(), sentAgain, tenant.organization, omar);
    await second.acceptAs('Omar Other', GOOD);
    await second.expectJoined(tenant.organization);
  });

  test('M6: an Admin who is demoted or removed takes their open invitations with them @scripts', async ({
    as,
    browse,
    tenant,
  }) => {
    const [nina, omar, pia] = [tenant.address('nina'), tenant.address('omar'), tenant.address('pia')];
    const second = await tenant.person('Ada Second');
    await tenant.join(second, 'admin');
    const links = [await tenant.invite(nina, tenant.admin), await tenant.invite(omar, second)];
    const kept = await tenant.invite(pia, tenant.owner);
    const screen = await MembersScreen.open(await as(tenant.owner), tenant.organization);
    await screen.choose(tenant.admin, 'Make Member');
    await expect(notice(screen.page, `${tenant.admin.name} is now a Member of the organization.`)).toBeVisible();
    await screen.remove(second);
    await expect(notice(screen.page, `${second.name} was removed from the organization.`)).toBeVisible();

    const page = await browse();
    for (const link of links) {
      const invitation = await InvitationPage.open(page, link, tenant.organization);
      await expect(page.getByRole('main')).toContainText('This invitation was revoked.');
      await expect(invitation.accept).toBeHidden();
    }
    expect(await tenant.invitations(nina)).toEqual(['revoked']);
    expect(await tenant.invitations(omar)).toEqual(['revoked']);
    await expect((await InvitationPage.open(page, kept, tenant.organization)).accept).toBeVisible();
  });
});

test.describe('accepting', () => {
  test('O2 M4 M5: somebody new makes an account by it, and is in the Default Project at once @scripts', async ({
    as,
    browse,
    tenant,
  }) => {
    const email = tenant.address('nina');
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    const link = await screen.inviting.inviteOne(email);
    const page = await browse();
    const invitation = await InvitationPage.open(page, link, tenant.organization, email);
    await expect(page).toHaveTitle(`Join ${tenant.organization.name} · Roster`);
    await expect(page.getByRole('main')).toContainText(
      `${tenant.admin.name} invites you to join ${tenant.organization.name}.`,
    );
    await expect(page.getByRole('main')).toContainText(`Your account’s address: ${email}`);
    await invitation.acceptAs('Nina Nova', GOOD);

    await invitation.expectJoined(tenant.organization);
    await expect(page).toHaveURL(projectPath(tenant.defaultProject));
    await expect(page.getByRole('button', { name: 'Account: Nina Nova' })).toBeVisible();
    expect(await tenant.memberRole(email)).toBe('member');
    // No organization of their own (O2).
    await page.getByRole('button', { name: /Switch organization/ }).click();
    await expect(page.getByRole('menuitem')).toHaveText([tenant.organization.name]);

    const members = await MembersScreen.open(screen.page, tenant.organization);
    await expect(members.row({ name: 'Nina Nova' })).toContainText(`invited by ${tenant.admin.name}`);
    await expect(members.row({ name: 'Nina Nova' }).getByRole('cell').nth(1)).toHaveText('Member');
    // And they come back by the password they chose.
    await signIn(await browse(), { email }, GOOD);
  });

  test('N3: what is wrong with the new account stands beside the field, and accepts nothing', async ({
    browse,
    tenant,
  }) => {
    const email = tenant.address('nina');
    const page = await browse();
    const invitation = await InvitationPage.open(page, await tenant.invite(email), tenant.organization);
    await invitation.acceptAs('   ', GOOD);
    await expectFieldError(invitation.name, /Enter a name of 1 to 100 characters/);
    await awake(page);
    await invitation.acceptAs('Nina Nova', 'short');
    await expectFieldError(invitation.password, /Use 12 to 256 characters/);
    await expect(invitation.name).toHaveValue('Nina Nova');
    await expect(invitation.password).toHaveValue('');
    await awake(page);
    expect(await tenant.invitations(email)).toEqual(['open']);
    await invitation.acceptAs('Nina Nova', GOOD);
    await invitation.expectJoined(tenant.organization);
  });

  test('O2 M3 M4: the person it is for, signed in, is in a second organization by a button; it works once', async ({
    as,
    browse,
    tenant,
  }) => {
    const link = await tenant.invite(tenant.outsider.email);
    const page = await as(tenant.outsider);
    const invitation = await InvitationPage.open(page, link, tenant.organization);
    await expect(page.getByRole('main')).toContainText(`You join as ${tenant.outsider.email}.`);
    await expect(invitation.password).toBeHidden();
    await invitation.accept.click();
    await invitation.expectJoined(tenant.organization);
    await page.getByRole('button', { name: /Switch organization/ }).click();
    await expect(page.getByRole('menuitem')).toHaveText([tenant.organization.name, `Partner ${tenant.tag}`]);

    // Opened again it says what became of it.
    await InvitationPage.open(page, link, tenant.organization);
    await expect(page.getByRole('main')).toContainText('You accepted this invitation already.');
    await expect(invitation.accept).toBeHidden();
    const another = await browse();
    await InvitationPage.open(another, link, tenant.organization);
    await expect(another.getByRole('main')).toContainText('This invitation was accepted already.');
    await expect(new InvitationPage(another).accept).toBeHidden();
  });

  test('M4: somebody else, signed in, is told whose it is, partly masked, and accepts nothing @scripts', async ({
    as,
    tenant,
  }) => {
    const invited = tenant.address('nina.nova');
    const link = await tenant.invite(invited);
    const page = await as(tenant.outsider);
    const invitation = await InvitationPage.open(page, link, tenant.organization);
    const main = page.getByRole('main');
    await expect(main).toContainText('This invitation is for n•••@roster.test.');
    await expect(main).toContainText(`You’re signed in as ${tenant.outsider.email}`);
    await expect(main).toContainText('nothing was accepted');
    await expect(invitation.accept).toBeHidden();
    expect(await page.content()).not.toContain(invited);
    expect(await tenant.invitations(invited)).toEqual(['open']);

    // The way out: sign out, open the link again.
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/sign-in/);
    await expect((await InvitationPage.open(page, link, tenant.organization)).name).toBeVisible();
  });

  test('M4: who has an account and is signed out signs in first, and comes back to the invitation @scripts', async ({
    browse,
    tenant,
  }) => {
    const page = await browse();
    const link = await tenant.invite(tenant.outsider.email);
    const invitation = await InvitationPage.open(page, link, tenant.organization);
    await expect(page.getByRole('main')).toContainText(`Sign in as ${tenant.outsider.email} to accept it.`);
    await expect(invitation.accept).toBeHidden();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await awake(page);
    await page.getByLabel('Email').fill(tenant.outsider.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(link);
    await awake(page);
    expect(await tenant.memberRole(tenant.outsider.email)).toBeNull();
    await invitation.accept.click();
    await invitation.expectJoined(tenant.organization);
  });

  test('M3: two people open one link, and both press: one comes in, the other is told @scripts', async ({
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409, 410);
    const email = tenant.address('nina');
    const link = await tenant.invite(email);
    const [first, second] = [
      await InvitationPage.open(await browse(), link, tenant.organization),
      await InvitationPage.open(await browse(), link, tenant.organization),
    ];
    await first.acceptAs('Nina Nova', GOOD);
    await first.expectJoined(tenant.organization);
    await second.acceptAs('Olga Other', 'another good password');
    await expect(second.page.getByRole('main')).toContainText(
      'This invitation was accepted already. Sign in to go on.',
    );
    await expect(second.accept).toBeHidden();
    expect(await tenant.invitations(email)).toEqual(['accepted']);
    const found = await tenant.database.query<{ name: string }>('SELECT name FROM users WHERE email = $1', [email]);
    expect(found.rows).toEqual([{ name: 'Nina Nova' }]);
  });

  test('M3: a double click on Accept invitation joins once @scripts', async ({ as, guard, tenant }) => {
    // The second form overtakes the first one's answer.
    guard.allow(/POST .*\/api\/accept_invitation net::ERR_ABORTED/);
    const page = await as(tenant.outsider);
    const invitation = await InvitationPage.open(page, await tenant.invite(tenant.outsider.email), tenant.organization);
    await invitation.accept.dblclick();
    await expect.poll(() => tenant.invitations(tenant.outsider.email)).toEqual(['accepted']);
    await expect(page.getByRole('heading', { name: 'You can’t do this' })).toBeHidden();
    expect(await tenant.timesDoneInOrganization('invitation:accept')).toBe(1);
  });

  test('M4: opening the link accepts nothing, however it is opened @scripts', async ({ browse, request, tenant }) => {
    const email = tenant.address('nina');
    const link = await tenant.invite(email);
    for (const method of ['GET', 'HEAD', 'GET']) {
      expect((await request.fetch(link, { method })).status(), method).toBe(200);
    }
    await InvitationPage.open(await browse(), link, tenant.organization);
    expect(await tenant.invitations(email)).toEqual(['open']);
    expect(await tenant.memberRole(email)).toBeNull();
  });

  test('P3 M3: links that were never made lead nowhere, whatever they look like @scripts', async ({
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const link = await tenant.invite(tenant.address('nina'));
    const page = await browse();
    for (const path of [
      `${link}x`,
      link.slice(0, -1),
      `/invitations/${'A'.repeat(43)}`,
      '/invitations/%00',
      '/invitations/%F0%9F%A6%80',
      '/invitations/x',
    ]) {
      expect(await visit(page, path), path).toBe(404);
      await expect(deadLink(page)).toBeVisible();
      await expect(page.getByRole('main')).not.toContainText(tenant.organization.name);
    }
  });

  test('X4 M5: an external who accepts keeps their project role and is external no more @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.outsider, { role: 'admin' });
    const page = await as(tenant.outsider);
    await (
      await InvitationPage.open(page, await tenant.invite(tenant.outsider.email), tenant.organization)
    ).accept.click();
    await new InvitationPage(page).expectJoined(tenant.organization);
    expect(await tenant.role(tenant.open, tenant.outsider)).toBe('admin');
    expect(await tenant.role(tenant.defaultProject, tenant.outsider)).toBe('member');
    await MembersScreen.open(page, tenant.organization);
  });

  test('M7: who was removed and is invited again starts afresh @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(404);
    const admin = await as(tenant.owner);
    const members = await MembersScreen.open(admin, tenant.organization);
    await members.remove(tenant.manager);
    await expect(notice(admin, 'was removed from the organization')).toBeVisible();
    expect(await tenant.role(tenant.open, tenant.manager)).toBeNull();
    const link = await members.inviting.inviteOne(tenant.manager.email);
    const page = await as(tenant.manager);
    await (await InvitationPage.open(page, link, tenant.organization)).accept.click();
    await new InvitationPage(page).expectJoined(tenant.organization);
    expect(await tenant.role(tenant.open, tenant.manager)).toBeNull();
    expect(await visit(page, projectPath(tenant.open))).toBe(404);
    await expect(notFound(page)).toBeVisible();
    await visit(page, membersPath(tenant.organization));
    await expect(page.getByRole('heading', { name: 'Members', level: 1 })).toBeVisible();
  });
});
