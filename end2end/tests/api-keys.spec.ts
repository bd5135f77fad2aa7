import { apiKeysPath, ApiKeysScreen, Expiration } from '../fixtures/api-keys.ts';
import { MembersScreen } from '../fixtures/organization.ts';
import {
  awake,
  CollaboratorsScreen,
  expectFieldError,
  hasScripts,
  notFound,
  notice,
  visit,
} from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

const DAY = 86_400_000;

test.describe('creating', () => {
  test('K2 K3 K4: a Member makes a key, sees its secret once, and a program gets in with it @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await ApiKeysScreen.open(await as(tenant.member), tenant.open);
    await expect(screen.page.getByRole('heading', { name: 'No API keys yet' })).toBeVisible();
    const secret = await screen.createKey('  Night build ');
    const row = screen.row({ name: 'Night build' });
    await expect(row).toContainText(`${secret.slice(0, 8)}…${secret.slice(-4)}`);
    await expect(row).toContainText(`by ${tenant.member.name}`);
    await expect(row).toContainText('Never used');
    await expect(row.getByRole('cell').nth(1)).toHaveText('Active');
    await screen.expectOpens(secret);
    // Its last use is noted beside the request.
    await expect(async () => {
      await ApiKeysScreen.open(screen.page, tenant.open);
      await expect(row).toContainText('Last used', { timeout: 500 });
    }).toPass();
    expect(await screen.page.content()).not.toContain(secret);
    await expect(row).not.toContainText('Manage');
    expect(await tenant.timesDone(tenant.open, 'api_key:create')).toBe(1);
  });

  test('K3: the secret is gone after a reload, by the back button, and at the address of its dialog', async ({
    as,
    tenant,
  }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await screen.createButton.click();
    await screen.name.fill('CI');
    await screen.create.click();
    const secret = await screen.readSecret();
    await expect(screen.page).toHaveURL(/dialog=secret/);
    await screen.page.reload();
    await awake(screen.page);
    await screen.expectShown();
    await expect(screen.secret).toBeHidden();
    expect(await screen.page.content()).not.toContain(secret);
    // What is behind a dialog with nothing in it can be used.
    const other = await screen.createKey('Other');
    await screen.page.goBack();
    await screen.expectShown();
    await expect(screen.secret).toBeHidden();
    expect(await screen.page.content()).not.toContain(other);
    await ApiKeysScreen.open(screen.page, tenant.open, '?dialog=secret');
    await expect(screen.page.getByRole('dialog')).toBeHidden();
    await screen.expectOpens(secret);
  });

  test('K2 K3: a double click on Create makes one key; a click copies its secret to the clipboard @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.manager);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const screen = await ApiKeysScreen.open(page, tenant.open, '?dialog=create');
    await screen.name.fill('CI');
    await screen.create.dblclick();
    const secret = await screen.readSecret();
    await page.getByRole('button', { name: 'Copy' }).click();
    await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
    await screen.takeSecret();
    await expect(screen.people).toHaveCount(1);
    expect(await tenant.timesDone(tenant.open, 'api_key:create')).toBe(1);
  });

  test('K6: with each kind of expiration @scripts', async ({ as, tenant }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    for (const [expiration, days] of [
      ['No expiration', null],
      ['7 days', 7],
      ['30 days', 30],
      ['60 days', 60],
      ['90 days', 90],
      ['1 year', 365],
    ] as const) {
      await screen.createKey(`Ends: ${expiration}`, { expiration });
      const [key] = await tenant.keys(tenant.open, `Ends: ${expiration}`);
      const left = key?.expires_at ? key.expires_at.getTime() - Date.now() : null;
      if (days === null) {
        expect(left).toBeNull();
      } else {
        // To the end of the day that is so many days from now.
        expect((left ?? 0) / DAY - days).toBeGreaterThan(0);
        expect((left ?? 0) / DAY - days).toBeLessThanOrEqual(1);
        expect(key?.expires_at?.getTime()).toEqual(Math.ceil((key?.expires_at?.getTime() ?? 0) / DAY) * DAY);
        await expect(screen.row({ name: `Ends: ${expiration}` })).toContainText('Expires ');
      }
    }
    await screen.createKey('On a date', { expiration: '2999-12-31' });
    await expect(screen.row({ name: 'On a date' })).toContainText('Expires after 31 Dec 2999');
    const [key] = await tenant.keys(tenant.open, 'On a date');
    expect(key?.expires_at).toEqual(new Date('3000-01-01T00:00:00Z'));
  });

  test('K6 N3: each error stands beside its field, and what was typed is kept', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await screen.createButton.click();
    await screen.name.fill('Typed name');
    await screen.reach.selectOption('manage');
    for (const day of ['2001-02-03', '']) {
      await screen.expiration.choice.selectOption('On a date');
      await screen.expiration.date.fill(day);
      await screen.create.click();
      await expectFieldError(screen.expiration.date, /Enter a date: today’s or a later one\./);
      await expect(screen.expiration.date).toHaveValue(day);
      await expect(screen.expiration.choice).toHaveValue('on');
      await expect(screen.name).toHaveValue('Typed name');
      await expect(screen.reach).toHaveValue('manage');
    }
    await screen.expiration.date.fill('2999-12-31');
    await screen.name.fill(' ');
    await screen.create.click();
    await expectFieldError(screen.name, /Enter a name of 1 to 100 characters/);
    await expect(screen.expiration.date).toHaveValue('2999-12-31');
    expect(await tenant.keys(tenant.open, 'Typed name')).toEqual([]);

    await screen.name.fill('Typed name');
    await screen.create.click();
    await screen.takeSecret();
    await expect(screen.row({ name: 'Typed name' })).toContainText('Expires after 31 Dec 2999');
    // The next one begins empty.
    await screen.createButton.click();
    await expect(screen.name).toHaveValue('');
    await expect(screen.expiration.choice).toHaveValue('');
  });

  test('K2: Cancel makes none; nor does the back button make one twice @scripts', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    await visit(page, '/');
    const screen = await ApiKeysScreen.open(page, tenant.open);
    await screen.createButton.click();
    await screen.name.fill('CI');
    await screen.createDialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(screen.createDialog).toBeHidden();
    expect(await tenant.keys(tenant.open, 'CI')).toEqual([]);
    await screen.createKey('CI');
    await screen.page.goBack();
    await screen.page.goForward();
    await screen.expectShown();
    await screen.page.reload();
    await awake(screen.page);
    await expect(screen.people).toHaveCount(1);
    expect(await tenant.timesDone(tenant.open, 'api_key:create')).toBe(1);
  });

  test('K11: an Admin makes keys that manage; a Member is not offered that, and ends them anyway @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await screen.createKey('Deploy', { reach: 'manage' });
    await expect(screen.row({ name: 'Deploy' })).toContainText('Manage');
    for (const action of ['Set expiration', 'Rotate', 'Revoke'] as const) {
      await expect(screen.button('Deploy', action)).toBeVisible();
    }

    const theirs = await ApiKeysScreen.open(await as(tenant.member), tenant.open);
    await expect(theirs.row({ name: 'Deploy' })).toContainText('Manage');
    await theirs.createButton.click();
    await expect(theirs.name).toBeVisible();
    await expect(theirs.reach).toBeHidden();
    await theirs.createDialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(theirs.button('Deploy', 'Set expiration')).toBeHidden();
    await expect(theirs.button('Deploy', 'Rotate')).toBeHidden();
    await theirs.button('Deploy', 'Revoke').click();
    await theirs.revokeDialog('Deploy').getByRole('button', { name: 'Revoke' }).click();
    await expect(theirs.row({ name: 'Deploy' }).getByRole('cell').nth(1)).toHaveText('Revoked');
  });
});

test.describe('the list', () => {
  test('K4 C10: it searches, filters and pages, and the URL holds it all for another person', async ({
    as,
    tenant,
  }) => {
    for (let number = 1; number <= 52; number++) {
      await tenant.addKey(tenant.open, tenant.manager, `Key ${String(number).padStart(2, '0')}`);
    }
    await tenant.addKey(tenant.open, tenant.manager, '100%');
    await tenant.endKeys(tenant.open, 'Key 07', 'revoked_at');
    await tenant.endKeys(tenant.open, 'Key 08', 'expires_at');
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await expect(screen.people).toHaveCount(50);
    await screen.page.getByRole('link', { name: 'Next page' }).click();
    await expect(screen.people).toHaveCount(3);
    await ApiKeysScreen.open(screen.page, tenant.open);
    await screen.find('%');
    await screen.expectPeople({ name: '100%' });
    await screen.find('KEY 0');
    await expect(screen.people).toHaveCount(9);
    await screen.filter('State', 'Revoked');
    await screen.expectPeople({ name: 'Key 07' });
    await screen.filter('State', 'Expired');
    await screen.expectPeople({ name: 'Key 08' });
    await expect(screen.page).toHaveURL(/state=expired/);

    const other = await as(tenant.owner);
    await visit(other, screen.page.url());
    await new ApiKeysScreen(other, tenant.open).expectPeople({ name: 'Key 08' });
    await screen.find('no such key');
    await expect(screen.page.getByRole('heading', { name: 'No API key found' })).toBeVisible();
    await screen.page.getByRole('link', { name: 'Show all API keys' }).click();
    await expect(screen.people).toHaveCount(50);
  });

  test('P3: whoever has no access to the project gets what there is of none @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const page = await as(tenant.member);
    expect(await visit(page, apiKeysPath(tenant.open))).toBe(404);
    await expect(notFound(page)).toBeVisible();
  });

  test('E5: what one person does, another sees without a reload @scripts', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const one = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const other = await ApiKeysScreen.open(await as(tenant.member), tenant.open);
    await one.createKey('CI');
    await expect(other.row({ name: 'CI' })).toBeVisible({ timeout: 2_000 });
    await one.button('CI', 'Revoke').click();
    await one.revokeDialog('CI').getByRole('button', { name: 'Revoke' }).click();
    await expect(other.row({ name: 'CI' }).getByRole('cell').nth(1)).toHaveText('Revoked', { timeout: 2_000 });
  });
});

test.describe('ending', () => {
  test('K6: an expiration is set later, shown in its dialog again, and cancelled', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    await tenant.addKey(tenant.open, tenant.owner, 'CI');
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const expiration = new Expiration(screen.expirationDialog);
    const save = screen.expirationDialog.getByRole('button', { name: 'Save' });
    await screen.button('CI', 'Set expiration').click();
    await expect(expiration.choice).toHaveValue('');
    await expiration.choose('2001-02-03');
    await save.click();
    await expectFieldError(expiration.date, /Enter a date: today’s or a later one\./);
    await expect(expiration.date).toHaveValue('2001-02-03');
    await expiration.date.fill('2999-12-31');
    await save.click();
    await expect(notice(screen.page, 'The expiration of CI was saved.')).toBeVisible();
    await expect(screen.expirationDialog).toBeHidden();
    await expect(screen.row({ name: 'CI' })).toContainText('Expires after 31 Dec 2999');

    await screen.button('CI', 'Set expiration').click();
    await expect(expiration.choice).toHaveValue('on');
    await expect(expiration.date).toHaveValue('2999-12-31');
    await expiration.choose('No expiration');
    await save.click();
    await expect(notice(screen.page, 'The API key CI no longer expires.')).toBeVisible();
    await expect(screen.row({ name: 'CI' })).not.toContainText('Expires');
    expect(await tenant.keys(tenant.open, 'CI')).toEqual([{ expires_at: null, is_revoked: false }]);
  });

  test('K6: an expiration saved as it is shown stays; an expired key is refused, listed, left alone @scripts', async ({
    as,
    tenant,
  }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const secret = await screen.createKey('CI', { expiration: '7 days' });
    const before = await tenant.keys(tenant.open, 'CI');
    await screen.button('CI', 'Set expiration').click();
    await screen.expirationDialog.getByRole('button', { name: 'Save' }).click();
    await expect(notice(screen.page, 'The expiration of CI was saved.')).toBeVisible();
    expect(await tenant.keys(tenant.open, 'CI')).toEqual(before);

    await screen.expectOpens(secret);
    await tenant.endKeys(tenant.open, 'CI', 'expires_at');
    await screen.expectRefused(secret);
    await ApiKeysScreen.open(screen.page, tenant.open);
    await expect(screen.row({ name: 'CI' }).getByRole('cell').nth(1)).toHaveText('Expired');
    await expect(screen.row({ name: 'CI' }).getByRole('button')).toHaveCount(0);
  });

  test('K7: a rotated key has a successor, and goes on for as long as was said', async ({ as, tenant }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const old = await screen.createKey('CI');
    const next = await screen.rotate('CI', 'For 1 hour');
    expect(next).not.toBe(old);
    await screen.expectOpens(old);
    await screen.expectOpens(next);
    await expect(screen.people).toHaveCount(2);
    // The latest first.
    const [successor, former] = [screen.people.nth(0), screen.people.nth(1)];
    await expect(successor).toContainText(next.slice(-4));
    await expect(successor).not.toContainText('Rotated');
    await expect(former).toContainText('Rotated; stops working');
    await expect(former.getByRole('button', { name: 'Rotate' })).toBeHidden();
    await expect(former.getByRole('button', { name: 'Revoke' })).toBeVisible();
    const [first] = await tenant.keys(tenant.open, 'CI');
    expect(Math.abs((first?.expires_at?.getTime() ?? 0) - Date.now() - 3_600_000)).toBeLessThan(120_000);

    // Without an overlap the old one is over at once.
    const last = await screen.rotate('CI', 'No, revoke it now');
    await screen.expectRefused(next);
    await screen.expectOpens(last);
    await expect(screen.people.nth(1).getByRole('cell').nth(1)).toHaveText('Revoked');
  });

  test('K7: a successor gets as long as the old key was given; by default that goes on for 24 hours @scripts', async ({
    as,
    tenant,
  }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    await screen.createKey('CI', { expiration: '30 days' });
    await screen.button('CI', 'Rotate').click();
    const expiration = new Expiration(screen.rotateDialog);
    await expect(expiration.choice).toHaveValue('30');
    await screen.rotateDialog.getByRole('button', { name: 'Rotate' }).click();
    await screen.takeSecret();
    const days = (await tenant.keys(tenant.open, 'CI')).map(
      (key) => ((key.expires_at?.getTime() ?? 0) - Date.now()) / DAY,
    );
    const [old, next] = days.sort((a, b) => a - b);
    expect(Math.abs((old ?? 0) - 1)).toBeLessThan(0.01);
    expect(next).toBeGreaterThan(30);
    expect(next).toBeLessThan(31);
  });

  test('K7: revoking is confirmed first, and final', async ({ as, tenant }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.manager), tenant.open);
    const secret = await screen.createKey('CI');
    await screen.button('CI', 'Revoke').click();
    const dialog = screen.revokeDialog('CI');
    await expect(dialog).toContainText(`${secret.slice(0, 8)}…${secret.slice(-4)}`);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
    await screen.expectOpens(secret);

    await screen.button('CI', 'Revoke').click();
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await expect(notice(screen.page, 'The API key CI was revoked. It no longer works.')).toBeVisible();
    await expect(dialog).toBeHidden();
    await expect(screen.row({ name: 'CI' }).getByRole('cell').nth(1)).toHaveText('Revoked');
    await expect(screen.row({ name: 'CI' }).getByRole('button')).toHaveCount(0);
    await screen.expectRefused(secret);
    // A link to its dialogs opens none.
    const [id] = (
      await tenant.database.query<{ id: string }>('SELECT id FROM api_keys WHERE project_id = $1', [tenant.open.id])
    ).rows;
    for (const action of ['revoke', 'rotate', 'expiration']) {
      await ApiKeysScreen.open(screen.page, tenant.open, `?dialog=${action}&key=${id?.id}`);
      await expect(screen.page.getByRole('dialog')).toBeHidden();
    }
  });

  test('K7 N3: Rotate, Set expiration and Revoke say so where the key was revoked meanwhile', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409);
    const page = await as(tenant.manager);
    for (const action of ['Rotate', 'Set expiration', 'Revoke'] as const) {
      await test.step(action, async () => {
        const key = `To ${action}`;
        await tenant.addKey(tenant.open, tenant.owner, key);
        const screen = await ApiKeysScreen.open(page, tenant.open);
        await screen.button(key, action).click();
        await expect(page.getByRole('dialog')).toBeVisible();
        await tenant.endKeys(tenant.open, key, 'revoked_at');
        const confirm = action === 'Set expiration' ? 'Save' : action;
        await page.getByRole('dialog').getByRole('button', { name: confirm }).click();
        await expect(page.getByText('This key was revoked or has expired. Nothing was changed')).toBeVisible();
      });
    }
  });
});

test.describe('the Organization Default Key', () => {
  test('W3 K8: the Owner regenerates it, and the old secret is over at once', async ({ as, tenant }) => {
    const screen = await ApiKeysScreen.open(await as(tenant.owner), tenant.defaultProject);
    await expect(screen.defaultKey).toContainText('It has no secret yet.');
    await expect(screen.defaultKey.getByRole('button')).toHaveText(['Regenerate']);
    const regenerate = async (): Promise<string> => {
      await screen.defaultKey.getByRole('button', { name: 'Regenerate' }).click();
      const dialog = screen.page.getByRole('dialog', { name: 'Regenerate the Organization Default Key?' });
      await dialog.getByRole('button', { name: 'Regenerate' }).click();
      return await screen.takeSecret();
    };
    const first = await regenerate();
    await screen.expectOpens(first);
    await expect(screen.defaultKey).toContainText(`${first.slice(0, 8)}…${first.slice(-4)}`);
    await screen.defaultKey.getByRole('button', { name: 'Regenerate' }).click();
    await screen.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await screen.expectOpens(first);
    const second = await regenerate();
    await screen.expectRefused(first);
    await screen.expectOpens(second);
    // It is in no list.
    await expect(screen.page.getByRole('heading', { name: 'No API keys yet' })).toBeVisible();
  });

  test('W3 K8: to everybody but the Owner it does not exist, nor in another project @scripts', async ({
    as,
    tenant,
  }) => {
    for (const [person, project] of [
      [tenant.admin, tenant.defaultProject],
      [tenant.member, tenant.defaultProject],
      [tenant.owner, tenant.open],
    ] as const) {
      const screen = await ApiKeysScreen.open(await as(person), project, '?dialog=regenerate');
      await expect(screen.page.getByRole('heading', { name: 'No API keys yet' })).toBeVisible();
      await expect(screen.page.getByRole('dialog')).toBeHidden();
      await expect(screen.page.getByRole('main')).not.toContainText('Organization Default Key');
    }
  });
});

test.describe('what a removal leaves behind', () => {
  test('C6 K5: the dialog names the keys they made; each is kept or revoked, and the receipt says what ended and what stays', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    const theirs = await ApiKeysScreen.open(await as(tenant.member), tenant.open);
    const [kept, revoked] = [await theirs.createKey('Kept'), await theirs.createKey('Night build')];
    await tenant.addKey(tenant.open, tenant.member, 'Deploy', { reach: 'manage' });
    await tenant.addKey(tenant.open, tenant.owner, 'Not theirs');
    await tenant.addKey(tenant.defaultProject, tenant.member, 'Elsewhere');
    await tenant.addResource(tenant.open, tenant.member, 'cluster', 'train-1');
    await tenant.addResource(tenant.open, tenant.member, 'cluster', 'train-2');

    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    const dialog = screen.removeDialog(tenant.member);
    const keys = dialog.getByRole('group', { name: /API keys they created keep working/ });
    await expect(keys.getByRole('checkbox')).toHaveCount(3);
    for (const box of await keys.getByRole('checkbox').all()) {
      await expect(box).not.toBeChecked();
    }
    await expect(keys).toContainText('Manage');
    await expect(dialog).toContainText('They created 2 clusters here, which stay with the project.');
    await keys.getByRole('checkbox', { name: 'Revoke Night build' }).check();
    await dialog.getByRole('button', { name: 'Remove User' }).click();

    await expect(notice(screen.page, `${tenant.member.name} was removed.`)).toBeVisible();
    const receipt = screen.page.getByRole('region', { name: `${tenant.member.name} was removed` });
    for (const line of [
      'Access to the project as Member, and to all its resources',
      '1 API key revoked: Night build',
      '2 API keys they created, still working: Deploy, Kept',
      '2 clusters they created',
      'Jobs that are already running',
    ]) {
      await expect(receipt.getByRole('listitem').filter({ hasText: line })).toBeVisible();
    }
    await expect(receipt.getByRole('time')).toHaveAttribute('datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await theirs.expectOpens(kept);
    await theirs.expectRefused(revoked);
    for (const [project, name] of [
      [tenant.open, 'Not theirs'],
      [tenant.defaultProject, 'Elsewhere'],
      [tenant.open, 'Deploy'],
    ] as const) {
      expect(await tenant.keys(project, name), name).toEqual([{ expires_at: null, is_revoked: false }]);
    }
    if (hasScripts()) {
      await receipt.getByRole('button', { name: 'Close the receipt' }).click();
      await expect(receipt).toBeHidden();
    }
    await screen.page.reload();
    await awake(screen.page);
    await screen.expectShown();
    await expect(receipt).toBeHidden();
  });

  test('C6: Cancel revokes nothing; and once their key is over, there is nothing to decide about @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.add(tenant.open, tenant.member);
    await tenant.addKey(tenant.open, tenant.member, 'CI');
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    const dialog = screen.removeDialog(tenant.member);
    await dialog.getByRole('checkbox', { name: 'Revoke CI' }).check();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
    expect(await tenant.keys(tenant.open, 'CI')).toEqual([{ expires_at: null, is_revoked: false }]);
    expect(await tenant.role(tenant.open, tenant.member)).toBe('member');

    await tenant.endKeys(tenant.open, 'CI', 'expires_at');
    await CollaboratorsScreen.open(screen.page, tenant.open);
    await screen.choose(tenant.member, 'Remove User');
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole('checkbox')).toHaveCount(0);
    await dialog.getByRole('button', { name: 'Remove User' }).click();
    const receipt = screen.page.getByRole('region', { name: `${tenant.member.name} was removed` });
    await expect(receipt).toContainText('No API keys or resources of theirs');
  });

  test('C6 C7: whoever leaves may end their own keys as well @scripts', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    await tenant.addKey(tenant.open, tenant.member, 'Mine');
    await tenant.addKey(tenant.open, tenant.member, 'Ours');
    const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open);
    await screen.choose(tenant.member, 'Leave Project');
    const dialog = screen.page.getByRole('dialog');
    await expect(dialog.getByRole('group', { name: /API keys you created keep working/ })).toBeVisible();
    await dialog.getByRole('checkbox', { name: 'Revoke Mine' }).check();
    await dialog.getByRole('button', { name: 'Leave Project' }).click();
    await expect(notice(screen.page, 'You left the project.')).toBeVisible();
    expect(await tenant.keys(tenant.open, 'Mine')).toEqual([{ expires_at: null, is_revoked: true }]);
    expect(await tenant.keys(tenant.open, 'Ours')).toEqual([{ expires_at: null, is_revoked: false }]);
  });

  test('M6 K5: removing a member names the keys that go on working, in every project', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    await tenant.addKey(tenant.open, tenant.member, 'CI');
    await tenant.addKey(tenant.defaultProject, tenant.member, 'Notebook');
    await tenant.addResource(tenant.defaultProject, tenant.member, 'file', 'notes');
    const screen = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await screen.choose(tenant.member, 'Remove Member');
    const dialog = screen.removeDialog(tenant.member);
    await expect(dialog.getByRole('list', { name: 'API keys' }).getByRole('listitem')).toHaveText([
      `CI in ${tenant.open.name} Use`,
      `Notebook in ${tenant.defaultProject.name} Use`,
    ]);
    await expect(dialog.getByRole('checkbox')).toHaveCount(0);
    await dialog.getByRole('button', { name: 'Remove Member' }).click();
    const receipt = screen.page.getByRole('region', { name: `${tenant.member.name} was removed` });
    for (const line of [
      'Membership, and access to every project of the organization',
      '2 API keys they created, still working: CI, Notebook',
      '1 file they created',
    ]) {
      await expect(receipt.getByRole('listitem').filter({ hasText: line })).toBeVisible();
    }
    expect(await tenant.keys(tenant.open, 'CI')).toEqual([{ expires_at: null, is_revoked: false }]);
  });
});
