import type { Locator, Page } from '@playwright/test';

import { ApiKeysScreen } from '../fixtures/api-keys.ts';
import {
  InvitationsScreen,
  MembersScreen,
  OrganizationScreen,
  pathIn,
  ProjectsScreen,
} from '../fixtures/organization.ts';
import {
  awake,
  CollaboratorsScreen,
  expectFieldError,
  type ListScreen,
  notice,
  projectPath,
  ProjectSelector,
  SettingsScreen,
  visit,
} from '../fixtures/pages.ts';
import { ResourcesScreen } from '../fixtures/resources.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

/** Goes to something by the Tab key alone, as somebody would who has no mouse. */
async function tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const page = target.page();
  const isThere = (): Promise<boolean> => target.evaluate((element) => element === document.activeElement);
  for (let step = 0; step < 60 && !(await isThere()); step++) {
    await page.keyboard.press(key);
  }
  await expect(target).toBeFocused();
}

/** Where the focus is must be visible: an outline, a ring, anything that is not there without it. */
async function expectVisibleFocus(target: Locator): Promise<void> {
  const { outline, shadow } = await target.evaluate((element) => {
    const style = getComputedStyle(element);
    return { outline: `${style.outlineStyle} ${style.outlineWidth}`, shadow: style.boxShadow };
  });
  expect(outline.startsWith('none') && shadow === 'none', `focus shows: ${outline}, ${shadow}`).toBe(false);
}

/** Opens somebody's menu and goes to one of its items. */
async function chooseByKeys(screen: ListScreen, person: { name: string }, item: string): Promise<void> {
  await tabTo(screen.menuButton(person));
  await screen.page.keyboard.press('Enter');
  const wanted = screen.menu(person).getByRole('menuitem', { name: item });
  await expect(screen.menu(person).getByRole('menuitem').first()).toBeFocused();
  for (let step = 0; step < 6 && !(await wanted.evaluate((element) => element === document.activeElement)); step++) {
    await screen.page.keyboard.press('ArrowDown');
  }
  await expect(wanted).toBeFocused();
  await screen.page.keyboard.press('Enter');
}

async function type(page: Page, text: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(text);
}

test.describe('with the keyboard alone', { tag: '@scripts' }, () => {
  test('N2: somebody signs in, and out again', async ({ page, tenant }) => {
    await visit(page, '/sign-in');
    await expect(page.getByLabel('Email')).toBeFocused();
    await page.keyboard.type(tenant.manager.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: tenant.defaultProject.name, level: 1 })).toBeVisible();
    await awake(page);

    await tabTo(page.getByRole('button', { name: `Account: ${tenant.manager.name}` }));
    await page.keyboard.press('Enter');
    await expect(page.getByRole('menuitem', { name: 'Profile' })).toBeFocused();
    await page.keyboard.press('End');
    await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });

  test('N2: somebody signs up, and hears first what was wrong', async ({ page, tenant }) => {
    await visit(page, '/sign-up');
    await expect(page.getByLabel('Name')).toBeFocused();
    await page.keyboard.type('Nina Nova');
    await page.keyboard.press('Tab');
    await page.keyboard.type(`new-${tenant.tag}@roster.test`);
    await page.keyboard.press('Tab');
    await page.keyboard.type('short');
    await page.keyboard.press('Enter');
    await expectFieldError(page.getByLabel('Password'), /Use 12 to 256 characters/);
    await awake(page);
    await tabTo(page.getByLabel('Password'));
    await page.keyboard.type('a long enough password');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: 'Account: Nina Nova' })).toBeVisible();
  });

  test('N2: the first Tab leads to a link that skips the navigation', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    await visit(page, projectPath(tenant.open));
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to content' });
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toBeFocused();
  });

  test('N2: the selectors and the navigation lead to a project and its people', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    await visit(page, '/');
    const selector = new ProjectSelector(page);
    await tabTo(selector.button);
    await page.keyboard.press('Enter');
    await expect(selector.search).toBeFocused();
    await page.keyboard.type('search');
    await expect(selector.projects).toHaveText([tenant.open.name]);
    await page.keyboard.press('Tab');
    await expect(selector.project(tenant.open)).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(projectPath(tenant.open));
    await expect(selector.popover).toBeHidden();
    // And Escape gives the focus back.
    await tabTo(selector.button);
    await page.keyboard.press('Space');
    await expect(selector.search).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(selector.button).toBeFocused();
    await tabTo(page.getByRole('link', { name: 'Collaborators' }));
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Collaborators', level: 1 })).toBeVisible();
  });

  test('N2 C2: an Admin adds somebody, and the focus returns to the button', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await tabTo(screen.addButton);
    await expectVisibleFocus(screen.addButton);
    await screen.page.keyboard.press('Enter');
    await expect(screen.email).toBeFocused();
    await screen.page.keyboard.type('nobody');
    await screen.page.keyboard.press('Enter');
    await expectFieldError(screen.email, /Enter an email address/);
    await expect(screen.email).toBeFocused();
    await type(screen.page, tenant.member.email);
    await screen.page.keyboard.press('Enter');
    await expect(screen.row(tenant.member)).toBeVisible();
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.addButton).toBeFocused();
  });

  test('N2: what is called a button is pressed with the space bar; the focus does not leave an open dialog', async ({
    as,
    tenant,
  }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await tabTo(screen.addButton);
    await screen.page.keyboard.press('Space');
    await expect(screen.addDialog).toBeVisible();
    await expect(screen.email).toBeFocused();
    for (let step = 0; step < 8; step++) {
      await screen.page.keyboard.press('Tab');
      const isBehind = await screen.page.evaluate(() => {
        const active = document.activeElement;
        return active !== document.body && active !== null && active.closest('dialog') === null;
      });
      expect(isBehind).toBe(false);
    }
    await tabTo(screen.addDialog.getByRole('button', { name: 'Cancel' }));
    await screen.page.keyboard.press('Space');
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.addButton).toBeFocused();
  });

  test('N2: Escape closes a dialog and gives the focus back; its address is gone from the URL', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await tabTo(screen.addButton);
    await screen.page.keyboard.press('Enter');
    await expect(screen.addDialog).toBeVisible();
    await screen.page.keyboard.press('Escape');
    await expect(screen.addDialog).toBeHidden();
    await expect(screen.page).not.toHaveURL(/dialog/);
    await expect(screen.addButton).toBeFocused();

    await chooseByKeys(screen, tenant.member, 'Remove User');
    await expect(screen.removeDialog(tenant.member)).toBeVisible();
    await screen.page.keyboard.press('Escape');
    await expect(screen.removeDialog(tenant.member)).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeFocused();

    // And again: the second time is like the first.
    await screen.page.keyboard.press('Enter');
    await expect(screen.menu(tenant.member)).toBeVisible();
  });

  test('N2 C5 C8 C6: an Admin promotes, limits and removes somebody, and the focus stays near', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await chooseByKeys(screen, tenant.member, 'Make Admin');
    await expect(notice(screen.page, 'is now an Admin')).toBeVisible();
    await expect(screen.menu(tenant.member)).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeFocused();

    await chooseByKeys(screen, tenant.member, 'Set end date');
    await expect(screen.endDateDialog(tenant.member).getByLabel('Access until')).toBeFocused();
    // The same day, whichever of day and month the browser asks for first.
    await screen.page.keyboard.type('12122999');
    await screen.page.keyboard.press('Enter');
    await expect(screen.row(tenant.member)).toContainText('Until 12 Dec 2999');
    await expect(screen.endDateDialog(tenant.member)).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeFocused();

    await chooseByKeys(screen, tenant.member, 'Remove User');
    const dialog = screen.removeDialog(tenant.member);
    // What does no harm has the focus first.
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await screen.page.keyboard.press('Tab');
    await expect(dialog.getByRole('button', { name: 'Remove User' })).toBeFocused();
    await screen.page.keyboard.press('Enter');
    await expect(screen.row(tenant.member)).toBeHidden();
    // Their menu is gone with them.
    await expect(screen.page.getByRole('heading', { name: 'Collaborators', level: 1 })).toBeFocused();
  });

  test('N2 K2 K7: an Admin creates and revokes a key, and the focus stays near', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const { keyboard } = screen.page;
    await tabTo(screen.createButton);
    await expectVisibleFocus(screen.createButton);
    await keyboard.press('Space');
    await expect(screen.name).toBeFocused();
    await keyboard.press('Enter');
    await expectFieldError(screen.name, /Enter a name/);
    await expect(screen.name).toBeFocused();
    await keyboard.type('CI');
    await tabTo(screen.expiration.choice);
    // A list without a mouse: the letter its choice begins with.
    await keyboard.press('O');
    await expect(screen.expiration.choice).toHaveValue('on');
    await tabTo(screen.expiration.date);
    await keyboard.type('12122999');
    await keyboard.press('Enter');
    await screen.readSecret();
    await expect(screen.done).toBeFocused();
    await keyboard.press('Shift+Tab');
    await expect(screen.page.getByRole('button', { name: 'Copy' })).toBeFocused();
    await tabTo(screen.done);
    await keyboard.press('Space');
    await expect(screen.secret).toBeHidden();
    await expect(screen.createButton).toBeFocused();

    await tabTo(screen.button('CI', 'Set expiration'));
    await tabTo(screen.button('CI', 'Rotate'));
    await tabTo(screen.button('CI', 'Revoke'));
    await keyboard.press('Enter');
    const dialog = screen.revokeDialog('CI');
    // What does no harm has the focus first.
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(screen.button('CI', 'Revoke')).toBeFocused();
    await keyboard.press('Enter');
    await tabTo(dialog.getByRole('button', { name: 'Revoke' }));
    await keyboard.press('Enter');
    await expect(screen.row({ name: 'CI' }).getByRole('cell').nth(1)).toHaveText('Revoked');
    // Its buttons are gone with it.
    await expect(screen.page.getByRole('heading', { name: 'API keys', level: 1 })).toBeFocused();
  });

  test('N2 W1: a menu follows the arrows, Home and End, closes on Escape and Tab; without actions it says why', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const items = screen.menu(tenant.member).getByRole('menuitem');
    await tabTo(screen.menuButton(tenant.member));
    await screen.page.keyboard.press('Space');
    await expect(items.first()).toBeFocused();
    await expectVisibleFocus(items.first());
    for (const [key, at] of [
      ['ArrowDown', 1],
      ['End', 2],
      ['ArrowDown', 0],
      ['ArrowUp', 2],
      ['Home', 0],
    ] as const) {
      await screen.page.keyboard.press(key);
      await expect(items.nth(at)).toBeFocused();
    }
    await screen.page.keyboard.press('Escape');
    await expect(screen.menu(tenant.member)).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeFocused();

    await screen.page.keyboard.press('ArrowDown');
    await expect(items.first()).toBeFocused();
    await screen.page.keyboard.press('Tab');
    await expect(screen.menu(tenant.member)).toBeHidden();

    await tabTo(screen.menuButton(tenant.owner));
    await screen.page.keyboard.press('Enter');
    await expect(screen.menu(tenant.owner).getByRole('menuitem').first()).toBeFocused();
    await expect(screen.menu(tenant.owner).getByRole('menuitem').first()).toContainText(
      'The Owner of the organization',
    );
  });

  test('N2 C10: searching and sorting leave the focus where it is', async ({ as, tenant }) => {
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await tabTo(screen.search);
    await screen.page.keyboard.type('adam');
    await screen.expectPeople(tenant.admin);
    await expect(screen.search).toBeFocused();
    await type(screen.page, 'a');
    await expect(screen.people).toHaveCount(3);
    await expect(screen.search).toBeFocused();

    const sort = screen.page.getByRole('columnheader', { name: 'Person' }).getByRole('link');
    await tabTo(sort);
    await screen.page.keyboard.press('Enter');
    await expect(screen.page.getByRole('columnheader', { name: 'Person' })).toHaveAttribute('aria-sort', 'descending');
    await expect(sort).toBeFocused();
  });

  test('N2: the page that a link leads to is read from its heading', async ({ as, tenant }) => {
    await tenant.addResource(tenant.open, tenant.manager, 'file', 'data');
    const page = await as(tenant.manager);
    await visit(page, projectPath(tenant.open));
    const heading = (name: string): Locator => page.getByRole('heading', { name, level: 1 });
    // A page that the browser loads is read from the top anyway.
    await expect(heading(tenant.open.name)).toBeVisible();
    await expect(heading(tenant.open.name)).not.toBeFocused();
    const main = page.getByRole('main');
    for (const [link, name] of [
      [main.getByRole('link', { name: 'Files' }), 'Files'],
      [main.getByRole('link', { name: 'data' }), 'data'],
      [page.getByRole('link', { name: 'Usage' }), 'Usage'],
      [page.getByRole('link', { name: 'Project settings' }), 'Project'],
      [page.getByRole('link', { name: 'Overview' }), tenant.open.name],
    ] as const) {
      await tabTo(link);
      await page.keyboard.press('Enter');
      await expect(heading(name)).toBeFocused();
    }
    // Another project is another page, on the same screen.
    const selector = await ProjectSelector.open(page);
    await selector.project(tenant.defaultProject).click();
    await expect(heading(tenant.defaultProject.name)).toBeFocused();
  });

  test('N2: what a search comes to is told, and the focus is not lost with what was there', async ({ as, tenant }) => {
    await tenant.addCrowd(tenant.open, 60);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const { page } = screen;
    const told = (words: string | RegExp): Locator =>
      page.getByRole('main').getByRole('status').filter({ hasText: words });
    const heading = page.getByRole('heading', { name: 'Collaborators', level: 1 });
    await expect(told('shown')).toHaveCount(0);
    await page.getByRole('link', { name: 'Next page' }).focus();
    await page.keyboard.press('Enter');
    await expect(told(/^\d+ shown$/)).toHaveCount(1);
    await expect(heading).toBeFocused();
    await tabTo(screen.search);
    await page.keyboard.type('adam');
    await expect(told('1 shown')).toHaveCount(1);
    await expect(screen.search).toBeFocused();
    await type(page, 'nobody-is-called-this');
    await expect(told('Nothing found')).toHaveCount(1);
    await tabTo(page.getByRole('link', { name: 'Show everyone' }));
    await page.keyboard.press('Enter');
    await expect(told('50 shown, more on the next page')).toHaveCount(1);
    await expect(heading).toBeFocused();
  });

  test('N3: a form that is refused leads to what is wrong, however far that is from its button', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    const page = await as(tenant.manager);
    await page.setViewportSize({ width: 360, height: 500 });
    const screen = await ResourcesScreen.open(page, tenant.open, 'clusters', '?dialog=create');
    await screen.create.click();
    await expect(screen.field('Name')).toBeFocused();
    await expect(screen.field('Name')).toBeInViewport();
    await screen.field('Name').fill('training');
    await screen.field('GPU type').fill('NVIDIA H100');
    await screen.create.click();
    await expect(screen.field('Nodes')).toBeFocused();
  });

  test('N2 X1: a project Admin changes the settings', async ({ as, tenant }) => {
    const screen = await SettingsScreen.open(await as(tenant.manager), tenant.open);
    await tabTo(screen.name);
    await type(screen.page, 'Renamed by keys');
    await tabTo(screen.allowExternals);
    await screen.page.keyboard.press('Space');
    await tabTo(screen.save);
    await screen.page.keyboard.press('Enter');
    await expect(notice(screen.page, 'Your changes were saved.')).toBeVisible();
    await expect(screen.save).toBeFocused();
    await visit(screen.page, projectPath(tenant.open));
    await expect(screen.page.getByRole('heading', { name: 'Renamed by keys', level: 1 })).toBeVisible();
  });

  test('N2: somebody leaves a project, and changes their password', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open);
    await chooseByKeys(screen, tenant.member, 'Leave Project');
    await expect(screen.page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
    await screen.page.keyboard.press('Tab');
    await screen.page.keyboard.press('Enter');
    await expect(notice(screen.page, 'You left the project.')).toBeVisible();

    await visit(screen.page, '/settings/profile');
    await tabTo(screen.page.getByLabel('Current password'));
    await screen.page.keyboard.type(PASSWORD);
    await screen.page.keyboard.press('Tab');
    await screen.page.keyboard.type('another good password');
    await screen.page.keyboard.press('Enter');
    await expect(notice(screen.page, 'Your password was changed.')).toBeVisible();
  });

  test('N2: a message is dismissed, and the focus is not lost with it', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await chooseByKeys(screen, tenant.member, 'Make Admin');
    const message = notice(screen.page, 'is now an Admin');
    await tabTo(message.getByRole('button', { name: 'Dismiss' }), 'Shift+Tab');
    await screen.page.keyboard.press('Enter');
    await expect(message).toBeHidden();
    await screen.page.keyboard.press('Tab');
    const isInPage = await screen.page.evaluate(() => document.activeElement?.closest('main') !== null);
    expect(isInPage).toBe(true);
  });

  test('N2 M2: an Admin invites somebody, and the focus returns to the button', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const { inviting, page } = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await tabTo(inviting.button);
    await expectVisibleFocus(inviting.button);
    await page.keyboard.press('Enter');
    await expect(inviting.email).toBeFocused();
    await page.keyboard.type('not-an-address');
    await tabTo(inviting.send);
    await page.keyboard.press('Enter');
    await expectFieldError(inviting.email, /Enter an email address/);
    await tabTo(inviting.email, 'Shift+Tab');
    await type(page, tenant.address('nina'));
    await tabTo(inviting.send);
    await page.keyboard.press('Space');
    await pathIn(inviting.link);
    // The link and its button are reached, and Done closes.
    await tabTo(inviting.link, 'Shift+Tab');
    await tabTo(inviting.done);
    await page.keyboard.press('Enter');
    await expect(inviting.dialog).toBeHidden();
    await expect(inviting.button).toBeFocused();
  });

  test('N2 M6 W1: an Admin promotes and removes a member, the focus stays near; and reads why not the Owner', async ({
    as,
    tenant,
  }) => {
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await chooseByKeys(screen, tenant.member, 'Make Admin');
    await expect(notice(screen.page, 'is now an Admin of the organization')).toBeVisible();
    await expect(screen.menuButton(tenant.member)).toBeFocused();
    await chooseByKeys(screen, tenant.member, 'Remove Member');
    const dialog = screen.removeDialog(tenant.member);
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await screen.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(screen.menuButton(tenant.member)).toBeFocused();
    await chooseByKeys(screen, tenant.member, 'Remove Member');
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await screen.page.keyboard.press('Tab');
    await screen.page.keyboard.press('Enter');
    await expect(screen.row(tenant.member)).toBeHidden();
    await expect(screen.page.getByRole('heading', { name: 'Members', level: 1 })).toBeFocused();

    await tabTo(screen.menuButton(tenant.owner));
    await screen.page.keyboard.press('Enter');
    await expect(screen.menu(tenant.owner).getByRole('menuitem').first()).toBeFocused();
    await expect(screen.menu(tenant.owner).getByRole('menuitem').first()).toContainText(
      'The Owner of the organization',
    );
  });

  test('N2 M3: an Admin sends an invitation again, and revokes one', async ({ as, tenant }) => {
    const [nina, omar] = [tenant.address('nina'), tenant.address('omar')];
    await tenant.invite(nina);
    await tenant.invite(omar);
    const screen = await InvitationsScreen.open(await as(tenant.admin), tenant.organization);
    await tabTo(screen.resendButton(nina));
    await screen.page.keyboard.press('Enter');
    await pathIn(screen.sentAgain.getByRole('textbox', { name: 'Invitation link' }));
    await screen.page.keyboard.press('Escape');
    await expect(screen.sentAgain).toBeHidden();
    await expect(screen.resendButton(nina)).toBeFocused();
    await tabTo(screen.revokeButton(omar));
    await screen.page.keyboard.press('Space');
    await expect(screen.of(omar)).toBeHidden();
    await expect(screen.page.getByRole('heading', { name: 'Invitations', level: 1 })).toBeFocused();
  });

  test('N2 P1 P5: an Admin creates a project', async ({ as, tenant }) => {
    const screen = await ProjectsScreen.open(await as(tenant.admin), tenant.organization);
    await tabTo(screen.createButton);
    await screen.page.keyboard.press('Enter');
    await expect(screen.name).toBeFocused();
    await screen.page.keyboard.type('By keys');
    await screen.page.keyboard.press('Tab');
    await screen.page.keyboard.type(`by-keys-${tenant.tag}`);
    await screen.page.keyboard.press('Tab');
    await screen.page.keyboard.press('Enter');
    await expect(screen.dialog.getByText('By customer')).toBeVisible();
    await tabTo(screen.create);
    await screen.page.keyboard.press('Enter');
    await expect(screen.page.getByRole('heading', { name: 'By keys', level: 1 })).toBeVisible();
  });

  test('N2 W2: the Owner hands the organization over', async ({ as, tenant }) => {
    const screen = await OrganizationScreen.open(await as(tenant.owner), tenant.organization);
    await tabTo(screen.transfer.getByLabel(/^Type /));
    await screen.page.keyboard.type(tenant.organization.name);
    await screen.page.keyboard.press('Enter');
    await expect(notice(screen.page, 'now owns the organization')).toBeVisible();
    await expect(screen.page.getByRole('heading', { name: 'Organization', level: 1 })).toBeFocused();
  });

  test('N2: somebody ends another session, and removes an SSH key', async ({ as, tenant }) => {
    const page = await as(tenant.member);
    await visit(await as(tenant.member), '/settings/profile');
    await visit(page, '/settings/sessions');
    await tabTo(page.getByRole('button', { name: /^Sign out Chrome/ }));
    await page.keyboard.press('Enter');
    await expect(notice(page, 'The session was signed out.')).toBeVisible();
    await expect(page.getByRole('heading', { name: 'Sessions', level: 1 })).toBeFocused();
    await tenant.database.query(
      `INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
       VALUES (gen_random_uuid(), $1, 'Laptop', 'ssh-ed25519', 'x', $2, now())`,
      [tenant.member.id, `SHA256:${tenant.tag}`],
    );
    await visit(page, '/settings/ssh-keys');
    await tabTo(page.getByRole('button', { name: 'Remove Laptop' }));
    await page.keyboard.press('Enter');
    await expect(notice(page, 'The SSH key Laptop was removed.')).toBeVisible();
    await expect(page.getByRole('heading', { name: 'SSH keys', level: 1 })).toBeFocused();
  });
});
