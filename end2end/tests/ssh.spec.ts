import { CollaboratorsScreen, notice } from '../fixtures/pages.ts';
import { CLUSTER } from '../fixtures/resources.ts';
import { ClusterNode, makeKey, SshKeysScreen, whyNoNode } from '../fixtures/ssh.ts';
import { expect, test } from '../fixtures/test.ts';

// A real sshd asks the server under test, and real logins are tried (docs/gateways/README.md, "A node of a cluster").
test.skip(whyNoNode() !== '', whyNoNode());

test('C6 E4 E5: who was removed in the browser cannot log in to the cluster any more @scripts', async ({
  as,
  baseURL,
  tenant,
}) => {
  test.slow();
  const login = `roster-${tenant.tag}`;
  const details = { ...CLUSTER, ssh_login: login };
  const cluster = await tenant.addResource(tenant.open, tenant.manager, 'cluster', 'training', { details });
  await tenant.add(tenant.open, tenant.member);
  const [key, managers] = [await makeKey('noah@laptop'), await makeKey('maya@laptop')];
  await tenant.addSshKey(tenant.manager, managers);
  const keys = await SshKeysScreen.open(await as(tenant.member));
  await keys.addKey(key.line);
  await expect(keys.keys).toHaveCount(1);

  const node = await ClusterNode.start(login, cluster, baseURL ?? '');
  try {
    expect(await node.logIn(key), await node.log()).toBe(login);

    const screen = await CollaboratorsScreen.open(await as(tenant.admin), tenant.open);
    await screen.remove(tenant.member);
    await expect(notice(screen.page, `${tenant.member.name} was removed.`)).toBeVisible();
    expect(await node.logIn(key), await node.log()).toContain('Permission denied (publickey)');
    // It is not that nobody could any more.
    expect(await node.logIn(managers), await node.log()).toBe(login);
  } finally {
    await node.stop();
  }
});
