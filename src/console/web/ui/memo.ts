/** A component that is drawn again only when a property is another object: long lists stay cheap. */
import { Component, type ComponentChildren, type ComponentType, createElement } from 'preact';

export function memo<P extends object>(render: (props: P) => ComponentChildren): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const before = this.props as P;
      const keys = new Set([...Object.keys(before), ...Object.keys(next)]) as Set<keyof P>;
      return [...keys].some((key) => before[key] !== next[key]);
    }

    override render(): ComponentChildren {
      return createElement(render as ComponentType<P>, this.props as P);
    }
  };
}
