import { collaboratorsPath, CollaboratorsScreen, notice } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

/** What changed is on the other screen within this. */
const SOON = { timeout: 2_000 };

test('N1: what can be done about somebody has an address, in the list as it is', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.member);
  const query = `?sort=added&dialog=actions&user=${tenant.member.id}`;
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open, query);
  const menu = screen.menu(tenant.member);
  await expect(menu).toBeVisible();
  await expect(menu.getByRole('menuitem')).toHaveText(['Make Admin', 'Set end date', 'Remove User']);
  await screen.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await expect(menu).toBeHidden();
  await expect(screen.page).toHaveURL(/\?sort=added$/);

  await screen.choose(tenant.member, 'Make Admin');
  await expect(notice(screen.page, `${tenant.member.name} is now an Admin.`)).toBeVisible();
  await expect(screen.row(tenant.member).getByRole('cell').nth(1)).toHaveText('Admin');
});

test('C4: whom nothing can be done about has no such address', async ({ as, tenant }) => {
  await tenant.add(tenant.open, tenant.member);
  const query = `?dialog=actions&user=${tenant.manager.id}`;
  const screen = await CollaboratorsScreen.open(await as(tenant.member), tenant.open, query);
  await expect(screen.people).toHaveCount(4);
  await expect(screen.page.getByRole('menu', { name: /^Actions for/ })).toBeHidden();
});

test.describe('in a browser with scripts', { tag: '@scripts' }, () => {
  test('N1: a button that is pressed before the page wakes leads to the same choices', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.manager);
    let wake = (): void => undefined;
    const slow = new Promise<void>((resolve) => (wake = resolve));
    await page.route('**/*.wasm', async (route) => {
      await slow;
      await route.continue();
    });
    await page.goto(`${collaboratorsPath(tenant.open)}?sort=role`, { waitUntil: 'commit' });
    const screen = new CollaboratorsScreen(page, tenant.open);
    await screen.menuButton(tenant.member).click();
    await expect(page).toHaveURL(/sort=role&dialog=actions/);
    await expect(screen.menu(tenant.member)).toBeVisible();
    wake();
    await page.waitForFunction(() => window.rosterIsAwake === true);
    await expect(screen.menu(tenant.member)).toBeVisible();
    await page.keyboard.press('End');
    await expect(screen.menu(tenant.member).getByRole('menuitem', { name: 'Remove User' })).toBeFocused();
    await screen.menu(tenant.member).getByRole('menuitem', { name: 'Make Admin' }).click();
    await expect(notice(page, `${tenant.member.name} is now an Admin.`)).toBeVisible();
    await expect(screen.menu(tenant.member)).toBeHidden();
    await expect(page).toHaveURL(/\?sort=role$/);
  });

  test('N2: one menu serves all rows, and a second click closes it', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    await screen.openMenu(tenant.owner);
    await screen.openMenu(tenant.member);
    await expect(screen.menu(tenant.owner)).toBeHidden();
    await screen.menuButton(tenant.member).click();
    await expect(screen.menu(tenant.member)).toBeHidden();
    // It stands beside the button that opened it.
    const menu = await screen.openMenu(tenant.member);
    const [button, box] = await Promise.all([screen.menuButton(tenant.member).boundingBox(), menu.boundingBox()]);
    expect(Math.abs((button?.y ?? 0) + (button?.height ?? 0) - (box?.y ?? 0))).toBeLessThan(12);
    await expect(screen.page).not.toHaveURL(/dialog/);
  });

  test('N2: what changes in a row takes neither the focus nor the open menu away', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const one = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const other = await CollaboratorsScreen.open(await as(tenant.owner), tenant.open);
    const role = other.row(tenant.member).getByRole('cell').nth(1);

    await other.menuButton(tenant.member).focus();
    await one.choose(tenant.member, 'Make Admin');
    await expect(role).toHaveText('Admin', SOON);
    await expect(other.menuButton(tenant.member)).toBeFocused();

    const menu = await other.openMenu(tenant.member);
    await expect(menu.getByRole('menuitem').first()).toHaveText('Make Member');
    await expect(menu.getByRole('menuitem').first()).toBeFocused();
    await one.choose(tenant.member, 'Make Member');
    await expect(role).toHaveText('Member', SOON);
    await expect(menu.getByRole('menuitem').first()).toHaveText('Make Admin');
    await expect(menu.getByRole('menuitem').first()).toBeFocused();
    await other.page.keyboard.press('Escape');
    await expect(other.menuButton(tenant.member)).toBeFocused();

    // Whose row goes away takes the menu along.
    await other.openMenu(tenant.member);
    await one.remove(tenant.member);
    await expect(other.row(tenant.member)).toBeHidden(SOON);
    await expect(menu).toBeHidden();
    await expect(other.page.getByRole('heading', { name: 'Collaborators', level: 1 })).toBeFocused();
  });
});

test.describe('for a reader in Tokyo', { tag: '@scripts' }, () => {
  test.use({ timezoneId: 'Asia/Tokyo' });

  test('N4: rows have the days of the reader', async ({ as, tenant }) => {
    await tenant.database.query(`UPDATE collaborators SET added_at = '2026-03-01 23:30:00Z' WHERE user_id = $1`, [
      tenant.manager.id,
    ]);
    const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
    const time = screen.row(tenant.manager).getByRole('time').first();
    await expect(time).toHaveText('2 Mar 2026');
    await expect(time).toHaveAttribute('title', '1 Mar 2026, 23:30 UTC');
  });
});
