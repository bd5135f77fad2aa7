import type { APIResponse, Page } from '@playwright/test';

import { collaboratorsPath, CollaboratorsScreen, expectFieldError, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

/** What is typed where an address belongs. */
const NO_ADDRESSES: Record<string, string> = {
  'nothing': '',
  'spaces': '   ',
  '10,000 characters': `${'a'.repeat(9_990)}@roster.test`,
  'SQL': "'; drop table users; --",
  'markup': '<script>alert(1)</script>',
  'markup in an address': '<script>@roster.test',
  'an emoji': '🦀@roster.test',
  'right-to-left text': 'שלום@דוגמה.קום',
  'a direction override': '\u202Emoc.tset@eve',
  'two addresses': 'a@roster.test, b@roster.test',
  'a line break': 'a@roster.test\r\nBcc: b@roster.test',
};

/** Sends a form as the page's own script would. */
function send(page: Page, name: string, body: string): Promise<APIResponse> {
  return page.request.post(`/api/${name}`, {
    data: Buffer.from(body, 'latin1'),
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept': 'application/json' },
  });
}

const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

/** A clear refusal, in a code and never in words from inside. */
async function expectRefused(response: APIResponse, status: number, code: string | object): Promise<void> {
  const text = await response.text();
  expect(response.status(), text).toBe(status);
  expect(JSON.parse(text)).toEqual({ refused: code });
}

test('C3 N3: whatever is typed for an address is answered beside the field, kept, and changes nothing', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  const before = await tenant.snapshot(tenant.open);
  await screen.addButton.click();
  for (const typed of ['', "'; drop table users; --", '<script>alert(1)</script>', '🦀@roster.test', 'שלום@דוגמה.קום']) {
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
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });

  test('a NUL byte and broken UTF-8 are refused, everywhere something is typed', async ({ as, request, tenant }) => {
    const page = await as(tenant.manager);
    const before = await tenant.snapshot(tenant.open);
    const { slug } = tenant.open;
    for (const bad of ['%00', 'a%00b%40roster.test', '%FF%FE', '%C3%28', '\xff\xfe', '%ED%A0%80']) {
      for (const [name, body] of [
        ['add_collaborator', `project=${slug}&email=${bad}`],
        ['add_collaborator', `project=${bad}&email=${tenant.member.email}`],
        ['update_project', `project=${slug}&name=${bad}&slug=${slug}`],
        ['update_project', `project=${slug}&name=Name&slug=${bad}`],
        ['remove_collaborator', `project=${slug}&user=${bad}`],
        ['set_collaborator_end_date', `project=${slug}&user=${tenant.manager.id}&expires_on=${bad}`],
      ] as const) {
        const response = await send(page, name, body);
        expect([400, 404, 409, 422], `${name} ${body}: ${await response.text()}`).toContain(response.status());
      }
      const signIn = await request.post('/api/sign_in', {
        data: Buffer.from(`email=${bad}&password=${bad}`, 'latin1'),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept': 'application/json' },
      });
      expect([400, 422]).toContain(signIn.status());
      if (bad.startsWith('%')) {
        const list = await page.request.get(`${collaboratorsPath(tenant.open)}?q=${bad}`);
        expect([200, 400], `q=${bad}`).toContain(list.status());
      }
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
      await expectRefused(await send(page, 'remove_collaborator', form({ project: tenant.open.slug, user })), 400, 'malformed');
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
    for (const expires_on of ['yesterday', '2999-13-01', '2999-02-30', '31.12.2999', '-1', '99999-01-01', '2001-01-01']) {
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

  test('a body that is no form, or larger than any form, is refused', async ({ as, tenant }) => {
    const page = await as(tenant.manager);
    const before = await tenant.snapshot(tenant.open);
    const large = await send(page, 'add_collaborator', form({ project: tenant.open.slug, email: 'x'.repeat(100_000) }));
    expect([400, 413]).toContain(large.status());
    const json = await page.request.post('/api/add_collaborator', {
      data: { project: tenant.open.slug, email: tenant.member.email },
      headers: { accept: 'application/json' },
    });
    expect([400, 415]).toContain(json.status());
    expect((await send(page, 'no_such_function', '')).status()).toBe(404);
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });

  test('R2: a Member is refused with 403 and the permission’s name, whatever the screen hid', async ({ as, tenant }) => {
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.member);
    const before = await tenant.snapshot(tenant.open);
    const project = tenant.open.slug;
    for (const [name, fields, permission] of [
      ['add_collaborator', { project, email: tenant.outsider.email }, 'collaborator:add'],
      ['remove_collaborator', { project, user: tenant.manager.id }, 'collaborator:remove'],
      ['change_collaborator_role', { project, user: tenant.member.id, role: 'admin' }, 'collaborator:update_role'],
      ['set_collaborator_end_date', { project, user: tenant.manager.id, expires_on: '2999-12-31' }, 'collaborator:update_role'],
      ['update_project', { project, name: 'Mine', slug: project }, 'project:update'],
      ['remove_externals', { project }, 'collaborator:remove'],
    ] as const) {
      await expectRefused(await send(page, name, form(fields)), 403, { forbidden: permission });
    }
    expect(await tenant.snapshot(tenant.open)).toBe(before);
  });

  test('W1 C4 D3: the Owner, organization Admins and the Default Project are protected from requests by hand as well', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.owner);
    for (const [person, code] of [
      [tenant.owner, 'owner_protected'],
      [tenant.admin, 'organization_admin_protected'],
    ] as const) {
      for (const [name, more] of [
        ['remove_collaborator', {}],
        ['change_collaborator_role', { role: 'member' }],
        ['set_collaborator_end_date', { expires_on: '2999-12-31' }],
      ] as const) {
        const response = await send(page, name, form({ project: tenant.open.slug, user: person.id, ...more }));
        await expectRefused(response, 409, code);
      }
    }
    const commons = tenant.defaultProject.slug;
    await expectRefused(
      await send(page, 'remove_collaborator', form({ project: commons, user: tenant.member.id })),
      409,
      'default_project_for_all',
    );
    await expectRefused(
      await send(page, 'update_project', form({ project: commons, name: 'D', slug: commons, allow_externals: 'on' })),
      422,
      'external_in_default_project',
    );
    expect(await tenant.role(tenant.defaultProject, tenant.member)).toBe('member');
  });
});

test('C10: a forged cursor is a page that says so, with status 400', async ({ as, guard, tenant }) => {
  guard.allowStatus(400);
  await tenant.addCrowd(tenant.open, 60);
  const page = await as(tenant.manager);
  const screen = await CollaboratorsScreen.open(page, tenant.open);
  const good = await page.getByRole('link', { name: 'Next page' }).getAttribute('href');
  const cursor = new URL(good ?? '', page.url()).searchParams.get('after') ?? '';
  expect(cursor).not.toBe('');

  const forged = JSON.stringify({ sort: 'name', order: 'asc', role: 'admin', name: 'a\0b', added: 0, user: tenant.owner.id });
  for (const after of ['x', '%00', `${cursor}x`, cursor.slice(0, -4), Buffer.from(forged).toString('base64url'), 'A'.repeat(5_000)]) {
    expect(await visit(page, `${collaboratorsPath(tenant.open)}?after=${after}`), after).toBe(400);
    await expect(page.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();
  }
  // A good one, for a list in another order.
  expect(await visit(page, `${collaboratorsPath(tenant.open)}?sort=added&after=${cursor}`)).toBe(400);
  expect(await visit(page, `${collaboratorsPath(tenant.open)}?after=${cursor}`)).toBe(200);
  await expect(screen.people).toHaveCount(13);
});

test('C10: a role, kind, sort or order that nobody knows is a page that says so, with status 400', async ({ as, guard, tenant }) => {
  guard.allowStatus(400);
  const page = await as(tenant.manager);
  for (const query of ['role=emperor', 'kind=robot', 'sort=email', 'order=sideways', `q=${'x'.repeat(5_000)}`]) {
    expect(await visit(page, `${collaboratorsPath(tenant.open)}?${query}`), query).toBe(400);
    await expect(page.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();
  }
});

test('names of any script, with emoji or from right to left, are taken as they are', async ({ as, tenant }) => {
  for (const name of ['محمد بن عبد الله', 'שלום עולם', '👩🏽‍🔬 Ada', '李小龙', "Robert'); DROP TABLE users;--", 'O’Brien & Söhne']) {
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
