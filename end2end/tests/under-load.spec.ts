import { collaboratorsPath } from '../fixtures/pages.ts';
import { expect, test } from '../fixtures/test.ts';

// Found by the benchmark: a title was read when the signals it came from could be gone already, and the page failed.
test('many pages asked for at once are all whole @scripts', async ({ as, tenant }) => {
  const page = await as(tenant.owner);
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 24 }, () => page.request.get(collaboratorsPath(tenant.open))),
    );
    expect(answers.map((answer) => answer.status())).toEqual(answers.map(() => 200));
    expect(await answers[0]!.text()).toContain(`<title>Collaborators · ${tenant.open.name} · Roster</title>`);
  }
});
