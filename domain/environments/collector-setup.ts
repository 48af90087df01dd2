/** The variable in which each pipeline keeps the collector_url. */
export const SECRET_NAME = 'ORRERY_COLLECTOR_URL';

/** What to paste where, so that a pipeline reports. None of it holds a secret. */
export interface CollectorSetup {
  shell: string;
  gitlabCi: string;
  githubActions: string;
  jenkins: string;
  webhooks: { github: string; gitlab: string; jenkins: string };
}

interface Variables {
  commit: string;
  branch: string;
  pipeline: string;
}

/**
 * Reports with jq and curl. Variables expand, because they stand in double quotes; jq escapes whatever
 * they hold; and curl's exit code tells of a refusal. It holds no backslash, so that it means the same
 * inside YAML and Groovy.
 */
function report({ commit, branch, pipeline }: Variables): string[] {
  return [
    `jq -n --arg deployed "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --arg commit "${commit}" --arg branch "${branch}" --arg pipeline "${pipeline}" '{"Last deployment": $deployed, "Commit": $commit, "Branch": $branch, "Pipeline": $pipeline, "Pipeline status": "success"}' |`,
    `  curl --fail --silent --show-error --header "Content-Type: application/json" --data-binary @- "$${SECRET_NAME}"`,
  ];
}

function indented(lines: readonly string[], by: number): string {
  return lines.map((line) => `${' '.repeat(by)}${line}`).join('\n');
}

const GITLAB = `report_environment:
  stage: .post
  image: alpine:3
  before_script:
    - apk add --no-cache curl jq
  script:
    - |
${indented(report({ commit: '$CI_COMMIT_SHA', branch: '$CI_COMMIT_REF_NAME', pipeline: '$CI_PIPELINE_URL' }), 6)}
`;

// No expression but the secret's: what an expression brings in would be run as a part of the script.
const GITHUB = `- name: Report to the environment
  if: success()
  shell: sh
  env:
    ${SECRET_NAME}: \${{ secrets.${SECRET_NAME} }}
  run: |
${indented(report({ commit: '$GITHUB_SHA', branch: '$GITHUB_REF_NAME', pipeline: '$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID' }), 4)}
`;

const JENKINS = `post {
  success {
    withCredentials([string(credentialsId: '${SECRET_NAME}', variable: '${SECRET_NAME}')]) {
      sh '''
${indented(report({ commit: '$GIT_COMMIT', branch: '$GIT_BRANCH', pipeline: '$BUILD_URL' }), 8)}
      '''
    }
  }
}
`;

const SHELL = `# ${SECRET_NAME} holds the collector_url; jq and curl are needed.
${report({ commit: '$(git rev-parse HEAD)', branch: '$(git rev-parse --abbrev-ref HEAD)', pipeline: '${PIPELINE_URL:-}' }).join('\n')}
`;

/** Setup text for pipelines and webhooks. */
export const COLLECTOR_SETUP: CollectorSetup = {
  shell: SHELL,
  gitlabCi: GITLAB,
  githubActions: GITHUB,
  jenkins: JENKINS,
  webhooks: {
    github:
      'Settings, Webhooks, Add webhook: the collector_url as payload URL, application/json as content type, the last part of the collector_url as secret, and of the events Deployment statuses and Workflow runs.',
    gitlab:
      'Settings, Webhooks, Add new webhook: the collector_url as URL, its last part as secret token, and of the triggers Deployment events and Pipeline events.',
    jenkins: 'With the Notification plugin, in the job’s Job Notifications: format JSON, protocol HTTP, the collector_url as URL, event All Events.',
  },
};
