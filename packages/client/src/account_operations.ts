/** The documents about what the caller may ask and has used. */

export const ASSISTANTS = /* GraphQL */ `
  query Assistants {
    assistants {
      name
      title
      description
      isDefault
      reasons
      maxTokens
    }
  }
`;

export const USAGE = /* GraphQL */ `
  query Usage {
    usage {
      day
      resetsAt
      startsPerMinute {
        used
        limit
        left
      }
      startsPerDay {
        used
        limit
        left
      }
      tokensPerDay {
        used
        limit
        left
      }
      sessionsAtOnce {
        used
        limit
        left
      }
      cost
    }
  }
`;
