import {
  InvitationPage,
  invitationsPath,
  InvitationsScreen,
  MembersScreen,
  membersPath,
  organizationPath,
  OrganizationScreen,
  projectsPath,
} from '../fixtures/organization.ts';
import { awake, expectFieldError, notFound, notice, projectPath, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

test.describe('settings', () => {
  test('O3: an Admin gives the organization another name and slug, which are new everywhere', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404);
    const page = await as(tenant.admin);
    const screen = await OrganizationScreen.open(page, tenant.organization);
    await expect(screen.name).toHaveValue(tenant.organization.name);
    await expect(screen.slug).toHaveValue(tenant.organization.slug);
    await expect(screen.about).toContainText(tenant.owner.name);
    const now = { ...tenant.organization, name: `Renamed ${tenant.tag}`, slug: `renamed-${tenant.tag}` };
    await screen.name.fill(now.name);
    await screen.slug.fill(now.slug);
    await screen.save.click();

    await expect(page).toHaveURL(organizationPath(now));
    await expect(notice(page, 'Your changes were saved.')).toBeVisible();
    await expect(screen.name).toHaveValue(now.name);
    await expect(page.getByRole('button', { name: `Organization: ${now.name}. Switch organization` })).toBeVisible();
    await MembersScreen.open(page, now);
    await expect(page).toHaveTitle(`Members · ${now.name} · Roster`);
    for (const path of [organizationPath, membersPath, projectsPath]) {
      expect(await visit(page, path(tenant.organization))).toBe(404);
      await expect(notFound(page)).toBeVisible();
    }
  });

  test('O3 W2: an Admin gives it another name alone; handing it over and deleting it are not offered @scripts', async ({
    as,
    tenant,
  }) => {
    const page = await as(tenant.admin);
    const screen = await OrganizationScreen.open(page, tenant.organization);
    await expect(screen.save).toBeVisible();
    await expect(screen.transfer).toBeHidden();
    await expect(screen.deletion).toBeHidden();
    await screen.name.fill('  Only the name ');
    await screen.save.click();
    await expect(notice(page, 'Your changes were saved.')).toBeVisible();
    await expect(page).toHaveURL(organizationPath(tenant.organization));
    await expect(page.getByRole('button', { name: 'Organization: Only the name. Switch organization' })).toBeVisible();
  });

  test('N3: what cannot be a name or a slug, and a slug that is taken, is refused beside its field and kept', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409, 422);
    const screen = await OrganizationScreen.open(await as(tenant.admin), tenant.organization);
    for (const slug of ['', 'ab', 'under_score', '-edge', 'edge-', 'with space', 'ünïcode', '../x', 'a'.repeat(64)]) {
      await screen.slug.fill(slug);
      await screen.save.click();
      await expectFieldError(screen.slug, /Use 3 to 63 characters/);
      await expect(screen.slug).toHaveValue(slug);
    }
    await screen.name.fill('Typed meanwhile');
    await screen.slug.fill(`partner-${tenant.tag}`);
    await screen.save.click();
    await expectFieldError(screen.slug, /This slug is taken, or was until recently\. Choose another\./);
    await expect(screen.slug).toHaveValue(`partner-${tenant.tag}`);
    await expect(screen.name).toHaveValue('Typed meanwhile');
    await screen.slug.fill(tenant.organization.slug);
    for (const name of ['', '   ', 'n'.repeat(101)]) {
      await screen.name.fill(name);
      await screen.save.click();
      await expectFieldError(screen.name, /Enter a name of 1 to 100 characters/);
      await expect(screen.name).toHaveValue(name);
    }
    expect(await tenant.timesDoneInOrganization('organization:update')).toBe(0);
  });

  test('O3 R2: a Member reads the settings and cannot change them @scripts', async ({ as, tenant }) => {
    const page = await as(tenant.member);
    await visit(page, organizationPath(tenant.organization));
    const facts = page.getByRole('region', { name: 'Settings' });
    await expect(facts).toContainText(tenant.organization.name);
    await expect(facts).toContainText(tenant.organization.slug);
    await expect(facts).toContainText('Only Admins of the organization can change its settings.');
    await expect(page.getByRole('region', { name: 'About' })).toContainText(tenant.owner.name);
    await expect(page.getByRole('main').getByRole('textbox')).toHaveCount(0);
    await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
  });

  test('~current stands for the organization last used, whatever the screen @scripts', async ({ as, tenant }) => {
    await tenant.join(tenant.outsider, 'admin');
    const page = await as(tenant.outsider);
    const partner = { slug: `partner-${tenant.tag}` };
    for (const [project, organization] of [
      [tenant.open, tenant.organization],
      [{ slug: `partner-${tenant.tag}-default` }, partner],
    ] as const) {
      await visit(page, projectPath(project));
      await visit(page, '/settings/profile');
      for (const [path, leads] of [
        ['/settings/organization/~current', organizationPath(organization)],
        ['/settings/organization/~current/members?q=eve&role=admin', `${membersPath(organization)}?q=eve&role=admin`],
        ['/settings/organization/~current/invitations', invitationsPath(organization)],
        ['/settings/organization/~current/projects', projectsPath(organization)],
      ] as const) {
        await visit(page, path);
        await expect(page).toHaveURL(leads);
        await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible();
      }
    }
  });

  test('O2: the frame is about the organization on the screen, and the navigation marks the screen @scripts', async ({
    as,
    tenant,
  }) => {
    await tenant.join(tenant.outsider);
    const page = await as(tenant.outsider);
    for (const [slug, name] of [
      [tenant.organization.slug, tenant.organization.name],
      [`partner-${tenant.tag}`, `Partner ${tenant.tag}`],
    ] as const) {
      await visit(page, membersPath({ slug }));
      await expect(page.getByRole('button', { name: `Organization: ${name}. Switch organization` })).toBeVisible();
      const navigation = page.getByRole('navigation', { name: 'Main' });
      await expect(navigation.getByRole('link', { name: 'Members' })).toHaveAttribute('aria-current', 'page');
      await navigation.getByRole('list', { name: 'Organization' }).getByRole('link', { name: 'Projects' }).click();
      await expect(page).toHaveURL(projectsPath({ slug }));
      await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
      await awake(page);
    }
  });
});

test.describe('ownership', () => {
  test('W2: the Owner hands over, typing the organization’s name; the new Owner is protected, the old one is not', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    const page = await as(tenant.owner);
    const screen = await OrganizationScreen.open(page, tenant.organization);
    const { transfer } = screen;
    await expect(transfer.getByRole('combobox', { name: 'New Owner' }).getByRole('option')).toHaveText([
      `${tenant.admin.name} (${tenant.admin.email})`,
    ]);
    const confirmation = transfer.getByLabel(`Type ${tenant.organization.name} to confirm`);
    const press = transfer.getByRole('button', { name: 'Transfer ownership' });
    for (const wrong of ['', tenant.organization.slug, tenant.organization.name.toLowerCase()]) {
      await confirmation.fill(wrong);
      await press.click();
      await expectFieldError(confirmation, /This isn’t what you were asked to type\. Type it exactly as shown\./);
      await expect(confirmation).toHaveValue(wrong);
    }
    expect(await tenant.ownerEmail()).toBe(tenant.owner.email);

    await confirmation.fill(tenant.organization.name);
    await press.click();
    await expect(
      notice(page, `${tenant.admin.name} now owns the organization. You’re still an Admin of it.`),
    ).toBeVisible();
    await expect(transfer).toBeHidden();
    await expect(screen.deletion).toBeHidden();
    await expect(screen.save).toBeVisible();
    await expect(screen.about).toContainText(tenant.admin.name);
    expect(await tenant.ownerEmail()).toBe(tenant.admin.email);
    expect(await tenant.memberRole(tenant.owner.email)).toBe('admin');

    // W1 follows ownership.
    const mine = await MembersScreen.open(page, tenant.organization);
    await expect(await mine.openMenu(tenant.admin)).toContainText('The Owner of the organization');
    const theirs = await MembersScreen.open(await as(tenant.admin), tenant.organization);
    await theirs.choose(tenant.owner, 'Make Member');
    await expect(notice(theirs.page, `${tenant.owner.name} is now a Member of the organization.`)).toBeVisible();
    expect(await tenant.memberRole(tenant.owner.email)).toBe('member');
  });

  test('W2 N3: with nobody to hand over to it says what to do first @scripts', async ({ as, tenant }) => {
    await tenant.expel(tenant.admin);
    const screen = await OrganizationScreen.open(await as(tenant.owner), tenant.organization);
    await expect(screen.transfer).toContainText(
      'Ownership can go to another Admin. There is none yet: make a member an Admin first.',
    );
    await expect(screen.transfer.getByRole('button')).toHaveCount(0);
  });

  test('W2: the Admin who was chosen is demoted meanwhile: nothing is handed over', async ({ as, guard, tenant }) => {
    guard.allowStatus(409);
    const screen = await OrganizationScreen.open(await as(tenant.owner), tenant.organization);
    await tenant.database.query(`UPDATE members SET role = 'member' WHERE organization_id = $1 AND user_id = $2`, [
      tenant.organization.id,
      tenant.admin.id,
    ]);
    await screen.transfer.getByLabel(/^Type /).fill(tenant.organization.name);
    await screen.transfer.getByRole('button', { name: 'Transfer ownership' }).click();
    // Without scripts the page is a new one, and knows that there is nobody left to choose.
    await expect(screen.transfer).toContainText(
      /Choose another Admin of the organization\.|make a member an Admin first/,
    );
    expect(await tenant.ownerEmail()).toBe(tenant.owner.email);
  });
});

test.describe('deleting', () => {
  test('W1: an organization with other people or projects in it is kept, and the form says why', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(409);
    const { deletion } = await OrganizationScreen.open(await as(tenant.owner), tenant.organization);
    await deletion.getByLabel(/^Type /).fill(tenant.organization.name);
    await deletion.getByRole('button', { name: 'Delete organization' }).click();
    await expect(deletion.getByRole('alert')).toHaveText(
      'The organization still has other members, projects or resources. Remove the members and delete the rest first.',
    );
    expect(await tenant.ownerEmail()).toBe(tenant.owner.email);
  });

  test('W1: an empty one is deleted, its links die, and its Owner may delete their account', async ({
    as,
    browse,
    guard,
    tenant,
  }) => {
    guard.allowStatus(404, 422);
    const name = `Partner ${tenant.tag}`;
    const partner = { slug: `partner-${tenant.tag}`, name };
    const page = await as(tenant.outsider);
    const inviting = await InvitationsScreen.open(page, { ...partner, id: '', defaultProject: tenant.defaultProject });
    const link = await inviting.inviting.inviteOne(tenant.address('nina'));
    const invited = await browse();
    await InvitationPage.open(invited, link, partner);

    const { deletion } = await OrganizationScreen.open(page, partner);
    const confirmation = deletion.getByLabel(`Type ${name} to delete it`);
    await confirmation.fill(name.toUpperCase());
    await deletion.getByRole('button', { name: 'Delete organization' }).click();
    await expectFieldError(confirmation, /This isn’t what you were asked to type/);
    await expect(confirmation).toHaveValue(name.toUpperCase());
    await confirmation.fill(name);
    await deletion.getByRole('button', { name: 'Delete organization' }).click();
    await expect(notice(page, 'The organization was deleted.')).toBeVisible();
    await expect(page.getByRole('heading', { name: 'No projects yet' })).toBeVisible();
    await awake(page);
    expect(await visit(page, membersPath(partner))).toBe(404);
    expect(await visit(page, projectPath({ slug: `${partner.slug}-default` }))).toBe(404);
    expect(await visit(invited, link)).toBe(404);

    await visit(page, '/settings/profile');
    const account = page.getByRole('region', { name: 'Delete account' });
    await account.getByLabel('Your password').fill('correct-horse-battery');
    await account.getByRole('button', { name: 'Delete account' }).click();
    await expect(page).toHaveURL(/\/sign-in/);
  });
});
