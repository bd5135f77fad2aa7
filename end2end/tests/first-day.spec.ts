import type { Page } from '@playwright/test';

import { InvitationPage, InvitationsScreen, MembersScreen, ProjectsScreen } from '../fixtures/organization.ts';
import { awake, CollaboratorsScreen, notice, projectPath, visit } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

// What somebody does who has just heard of Roster. A picture of each step comes with the report.
test('O2 M2 M5 P1 C2 C5: sign up, invite a colleague, who accepts; a project, with them in it, and as its Admin', async ({
  browse,
  tenant,
}, testInfo) => {
  test.slow();
  let step = 0;
  const picture = async (page: Page, what: string): Promise<void> => {
    step += 1;
    const body = await page.screenshot({ fullPage: true });
    await testInfo.attach(`${step} ${what}`, { body, contentType: 'image/png' });
  };
  const [ines, omar] = [
    { id: '', name: 'Ines Initiator', email: tenant.address('ines') },
    { id: '', name: 'Omar Other', email: tenant.address('omar') },
  ];

  const page = await browse();
  await visit(page, '/');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await awake(page);
  await page.getByLabel('Name').fill(ines.name);
  await page.getByLabel('Email').fill(ines.email);
  await page.getByLabel('Password').fill('a long enough password');
  await picture(page, 'signing up');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByRole('heading', { name: 'Default Project', level: 1 })).toBeVisible();
  await awake(page);
  await picture(page, 'the first page');

  // The way to the members is on the screen.
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Members' }).click();
  await expect(page.getByRole('heading', { name: 'Members', level: 1 })).toBeVisible();
  await awake(page);
  const slug = new URL(page.url()).pathname.split('/')[3] ?? '';
  const organization = { ...tenant.organization, slug, name: `${ines.name}’s organization` };
  const members = new MembersScreen(page, organization);
  await members.expectPeople(ines);
  await members.inviting.invite(omar.email);
  await expect(members.inviting.link).toBeVisible();
  await picture(page, 'the link to pass on');
  const link = new URL(await members.inviting.link.inputValue()).pathname;
  await members.inviting.done.click();
  await expect(members.inviting.dialog).toBeHidden();

  const colleague = await browse();
  const invitation = await InvitationPage.open(colleague, link, organization, omar.email);
  await expect(colleague.getByRole('main')).toContainText(`${ines.name} invites you to join ${organization.name}.`);
  await picture(colleague, 'the invitation');
  await invitation.acceptAs(omar.name, 'another good password');
  await invitation.expectJoined(organization);
  await picture(colleague, 'the colleague has joined');

  const invitations = await InvitationsScreen.open(page, organization);
  await expect(page.getByRole('heading', { name: 'No open invitations' })).toBeVisible();
  await invitations.filter('State', 'Accepted');
  await invitations.expectEmails(omar.email);
  await MembersScreen.open(page, organization);
  await members.expectPeople(ines, omar);
  await picture(page, 'the members');

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Projects' }).click();
  await expect(page.getByRole('heading', { name: 'Projects', level: 1 })).toBeVisible();
  await awake(page);
  const projects = new ProjectsScreen(page, organization);
  const project = { id: '', name: 'ML Research', slug: `ml-${tenant.tag}` };
  await projects.createButton.click();
  await projects.name.fill(project.name);
  await projects.slug.fill(project.slug);
  await picture(page, 'a new project');
  await projects.create.click();
  await expect(notice(page, 'ML Research was created. Add the people who work in it.')).toBeVisible();
  await awake(page);
  await picture(page, 'the project');

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Collaborators' }).click();
  const collaborators = new CollaboratorsScreen(page, project);
  await collaborators.expectShown();
  await awake(page);
  await collaborators.add(omar.email);
  await expect(notice(page, `${omar.name} was added as a Member.`)).toBeVisible();
  await collaborators.choose(omar, 'Make Admin');
  await expect(notice(page, `${omar.name} is now an Admin.`)).toBeVisible();
  await picture(page, 'the collaborators');

  await visit(colleague, projectPath(project));
  await expect(colleague.getByRole('heading', { name: project.name, level: 1 })).toBeVisible();
  const theirs = await CollaboratorsScreen.open(colleague, project);
  await expect(theirs.addButton).toBeVisible();
  await expect(theirs.row(omar).getByRole('cell').nth(1)).toHaveText('Admin');
  await picture(colleague, 'the colleague’s view');
});
