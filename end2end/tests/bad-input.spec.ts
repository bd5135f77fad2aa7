import type { APIResponse, Page } from '@playwright/test';

import { collaboratorsPath, CollaboratorsScreen, expectFieldError, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

/** What is typed where an address belongs. */
const NO_ADDRESSES: Record<string, string> = {
  nothing: '',
  spaces: '   ',
  '10,000 characters': `${'a'.repeat(9_990)}@roster.test`,
  SQL: "'; drop table users; --",
  markup: '<script>alert(1)</script>',
  'markup in an address': '<script>@roster.test',
  'an emoji': '🦀@roster.test',
  'a direction override': '\u202Emoc.tset@eve',
};

/** What is nearly an address, and the code that says what is wrong with it. */
const NEARLY: Record<string, string> = {
  'a@roster.test, b@roster.test': 'email_several',
  'a@roster.test\r\nBcc: b@roster.test': 'email_several',
  'שלום@דוגמה.קום': 'email_not_ascii',
};

/** Sends a form as the page's own script would. */
function send(page: Page, name: string, body: string): Promise<APIResponse> {
  return page.request.post(`/api/${name}`, {
    data: Buffer.from(body, 'latin1'),
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  });
}

const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

/** A clear refusal, in a code and never in words from inside. */
async function expectRefused(response: APIResponse, status: number, code: string | object): Promise<void> {
  const text = await response.text();
  expect(response.status(), text).toBe(status);
  expect(JSON.parse(text)).toEqual({ refused: code });
}

test('C3 N3: whatever is typed for an address is answered beside the field, and changes nothing @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(422);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  const before = await tenant.snapshot(tenant.open);
  await screen.addButton.click();
  for (const typed of [
    '',
    "'; drop table users; --",
    '<script>alert(1)</script>',
    '🦀@roster.test',
    'שלום@דוגמה.קום',
  ]) {
    await screen.email.fill(typed);
    await screen.confirm.click();
    await expectFieldError(screen.email, /Enter an email address/);
    await expect(screen.email).toHaveValue(typed);
  }
  await screen.email.fill('a'.repeat(10_000));
  await screen.confirm.click();
  await expectFieldError(screen.email, /Enter an email address/);
  await expect(screen.page.locator('body')).not.toContainText('Something went wrong');
  expect(await tenant.snapshot(tenant.open)).toBe(before);
});

test.describe('sent by hand', { tag: '@scripts' }, () => {
  test('C3: an address that is none is refused with 422 and a code, and changes nothing', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    const before = await tenant.snapshot(tenant.open);
    for (const [what, email] of Object.entries(NO_ADDRESSES)) {
      await test.step(what, async () => {
        const response = await send(page, 'add_collaborator', form({ project: tenant.open.slug, email }));
        await expectRefused(response, 422, 'email_invalid');
      });
    }
    for (const [email, code] of Object.entries(NEARLY)) {
      await expectRefused(await send(page, 'add_collaborator', form({ project: tenant.open.slug, email })), 422, code);
    }
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });

  test('unknown ids are refused, and say nothing about what exists', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    const before = await tenant.snapshot(tenant.open);
    const nobody = '00000000-0000-4000-8000-000000000000';
    for (const user of [nobody, tenant.member.id, tenant.outsider.id]) {
      for (const [name, more] of [
        ['remove_collaborator', {}],
        ['change_collaborator_role', { role: 'admin' }],
        ['set_collaborator_end_date', { expires_on: '2999-12-31' }],
      ] as const) {
        const response = await send(page, name, form({ project: tenant.open.slug, user, ...more }));
        await expectRefused(response, 404, 'not_a_collaborator');
      }
    }
    for (const user of ['', '1', 'me', `${nobody}0`, '../x']) {
      await expectRefused(
        await send(page, 'remove_collaborator', form({ project: tenant.open.slug, user })),
        400,
        'malformed',
      );
    }
    for (const project of ['no-such-project', tenant.closed.slug, '', '../open', 'A B']) {
      await expectRefused(
        await send(page, 'add_collaborator', form({ project, email: tenant.member.email })),
        404,
        'hidden',
      );
    }
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });

  test('a role, an end date or a field that nobody knows is refused', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.manager);
    const before = await tenant.snapshot(tenant.open);
    const person = { project: tenant.open.slug, user: tenant.member.id };
    for (const role of ['', 'owner', 'ADMIN', 'admin ', 'admin\0']) {
      await expectRefused(await send(page, 'change_collaborator_role', form({ ...person, role })), 400, 'malformed');
    }
    for (const expires_on of [
      'yesterday',
      '2999-13-01',
      '2999-02-30',
      '31.12.2999',
      '-1',
      '99999-01-01',
      '2001-01-01',
    ]) {
      await expectRefused(
        await send(page, 'set_collaborator_end_date', form({ ...person, expires_on })),
        422,
        'end_date_invalid',
      );
    }
    for (const [name, body] of [
      ['add_collaborator', form({ project: tenant.open.slug, email: tenant.outsider.email, role: 'admin' })],
      ['remove_collaborator', form({ ...person, really: 'yes' })],
      ['update_project', form({ project: tenant.open.slug, name: 'N', slug: tenant.open.slug, is_default: 'on' })],
      ['add_collaborator', form({ project: tenant.open.slug })],
      ['add_collaborator', ''],
      ['add_collaborator', `${form({ project: tenant.open.slug, email: 'a@b.test' })}&email=c%40d.test`],
      ['add_collaborator', `project=${tenant.open.slug}&email[]=${tenant.outsider.email}`],
    ] as const) {
      await test.step(`${name} ${body}`, async () => {
        await expectRefused(await send(page, name, body), 400, 'malformed');
      });
    }
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });
});

test('C10: an address of the list that was tampered with is a page that says so, with status 400 @scripts', async ({
  as,
  guard,
  tenant,
}) => {
  guard.allowStatus(400);
  await tenant.addCrowd(tenant.open, 60);
  const page = await as(tenant.manager);
  const screen = await CollaboratorsScreen.open(page, tenant.open);
  const good = await page.getByRole('link', { name: 'Next page' }).getAttribute('href');
  const cursor = new URL(good ?? '', page.url()).searchParams.get('after') ?? '';
  expect(cursor).not.toBe('');

  const forged = JSON.stringify({
    sort: 'name',
    order: 'asc',
    role: 'admin',
    name: 'a\0b',
    added: 0,
    user: tenant.owner.id,
  });
  const encoded = Buffer.from(forged).toString('base64url');
  const cursors = ['x', '%00', `${cursor}x`, cursor.slice(0, -4), encoded, 'A'.repeat(5_000)];
  for (const query of [
    ...cursors.map((after) => `after=${after}`),
    // A good one, for a list in another order.
    `sort=added&after=${cursor}`,
    ...['role=emperor', 'kind=robot', 'sort=email', 'order=sideways', `q=${'x'.repeat(5_000)}`],
  ]) {
    expect(await visit(page, `${collaboratorsPath(tenant.open)}?${query}`), query).toBe(400);
    await expect(page.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();
  }
  expect(await visit(page, `${collaboratorsPath(tenant.open)}?after=${cursor}`)).toBe(200);
  await expect(screen.people).toHaveCount(13);
});

test('names of any script, with emoji or from right to left, are taken as they are @scripts', async ({
  as,
  tenant,
}) => {
  for (const name of [
    'محمد بن عبد الله',
    'שלום עולם',
    '👩🏽‍🔬 Ada',
    '李小龙',
    "Robert'); DROP TABLE users;--",
    'O’Brien & Söhne',
  ]) {
    const person = await tenant.person(name);
    await tenant.join(person);
    await tenant.add(tenant.open, person);
  }
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  await expect(screen.people).toHaveCount(9);
  for (const part of ['عبد', 'עולם', '👩🏽‍🔬', '小龙', "');", '& s']) {
    await screen.find(part);
    await expect(screen.people).toHaveCount(1);
  }
});
