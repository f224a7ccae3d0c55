/**
 * Whether a text reads as if it were written to make its reader do something. No protection by itself: a memory is data
 * to its reader in any case, and says so once more where this is true.
 */

const SIGNS = [
  /\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|all|any|your)\b.{0,40}\b(instruction|prompt|rule|guideline|message|polic)/is,
  /\b(you (must|should|have to|are to|will) (now|immediately|always|never|first))\b/i,
  /\b(new|updated|important|urgent|system|secret|hidden)\s+(instruction|system prompt|directive|order|task)s?\b\s*[:.!]/i,
  /<\/?\s*(system|assistant|user|human|instructions?|system-reminder|tool_result|memories)\b[^>]*>/i,
  /^\s*(system|assistant|human|user|developer)\s*:/im,
  /\b(do not|don't|never) (tell|inform|mention|reveal|show)\b.{0,30}\b(user|operator|human|anyone)\b/i,
  /\b(curl|wget)\b[^\n]{0,200}\|\s*(ba|z)?sh\b/i,
  /\b(run|execute|call|invoke) (the following|this) (command|tool|script|code)\b/i,
];

export const looksLikeInstructions = (text: string): boolean => SIGNS.some((sign) => sign.test(text));
